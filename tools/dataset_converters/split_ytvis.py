"""Split an annotated YouTube-VIS json into a training and a validation json."""

from mmvis.commands.data.split import main

if __name__ == '__main__':
    main()
