"""Convert checkpoints of IFC to mmvis and back."""

from mmvis.commands.convert.ifc import main

if __name__ == '__main__':
    main()
