"""Make the weights that a VisTR starts from out of a DETR trained on COCO."""

from mmvis.commands.convert.detr import main

if __name__ == '__main__':
    main()
