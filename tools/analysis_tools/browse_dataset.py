"""Write what the training pipeline of a config makes: clips with masks and ids."""

from mmvis.commands.data.browse import main

if __name__ == '__main__':
    main()
