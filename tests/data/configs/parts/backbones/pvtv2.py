_base_ = '../../../../../configs/_base_/backbones/pvtv2_b1.py'
backbone = dict(
    embed_dims=8, num_layers=(1, 1, 1, 1), num_heads=(1, 2, 4, 8), init_cfg=None
)
mapper = dict(in_channels=[8, 16, 32, 64], out_channels=16, norm_cfg=dict(num_groups=4))
