# VisTR's encoder and head on four levels, the coarsest with 384 channels.
_base_ = '../models/vistr_r50.py'

head_neck = [
    dict(
        type='SpaceTimeEncoderNeck',
        in_channels=[256, 256, 256, 256],
        embed_dims=384,
        num_layers=6,
    ),
]
model = dict(head=dict(in_channels=[256, 256, 256, 384], num_unused_classes=0))
# It reads no tokens, so that the last exchange of memory tokens gets no gradient.
find_unused_parameters = True
