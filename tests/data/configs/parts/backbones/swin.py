_base_ = '../../../../../configs/_base_/backbones/swin_t.py'
backbone = dict(
    embed_dims=8,
    depths=(1, 1, 1, 1),
    num_heads=(1, 2, 4, 8),
    window_size=4,
    init_cfg=None,
)
mapper = dict(in_channels=[8, 16, 32, 64], out_channels=16, norm_cfg=dict(num_groups=4))
