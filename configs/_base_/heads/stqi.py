# TeViT's head on four levels of 256 channels, which FPN makes: it passes the
# information of the tokens from the coarsest level to the finer ones.
_base_ = '../models/tevit_r50.py'

head_neck = [
    dict(type='FPN', in_channels=[256, 256, 256, 256], out_channels=256, num_outs=4)
]
# It reads no tokens, so that the last exchange of memory tokens gets no gradient.
find_unused_parameters = True
