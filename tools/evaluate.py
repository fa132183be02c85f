"""Score a results file of video instance segmentation against a ground truth."""

from mmvis.commands.evaluate import main

if __name__ == '__main__':
    main()
