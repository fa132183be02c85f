"""Generate ShapesVIS, a synthetic data set in the format of YouTube-VIS."""

from mmvis.commands.data.shapes import main

if __name__ == '__main__':
    main()
