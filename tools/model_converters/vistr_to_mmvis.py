"""Convert checkpoints of VisTR to mmvis and back."""

from mmvis.commands.convert.vistr import main

if __name__ == '__main__':
    main()
