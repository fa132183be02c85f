"""Draw the clips of the training pipeline of a config, with masks and ids."""

from mmvis.commands.data.browse import main

if __name__ == '__main__':
    main()
