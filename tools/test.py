"""Run a trained model on a data set; evaluate it where there are annotations."""

from mmvis.engine.test import main

if __name__ == '__main__':
    main()
