"""Train a model from a config file."""

from mmvis.engine.train import main

if __name__ == '__main__':
    main()
