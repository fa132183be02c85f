"""Create the initial weights of a VisTR from a DETR trained on COCO."""

from mmvis.commands.convert.detr import main

if __name__ == '__main__':
    main()
