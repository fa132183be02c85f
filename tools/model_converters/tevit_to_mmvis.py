"""Convert checkpoints of TeViT or QueryInst to mmvis and back, of PVTv2 to mmvis."""

from mmvis.commands.convert.tevit import main

if __name__ == '__main__':
    main()
