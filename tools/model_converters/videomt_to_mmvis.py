"""Convert checkpoints of VidEoMT and EoMT to mmvis and back, and DINOv2 to mmvis."""

from mmvis.commands.convert.videomt import main

if __name__ == '__main__':
    main()
