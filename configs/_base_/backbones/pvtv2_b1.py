# PVTv2-B1; levels at strides 4, 8, 16, 32, 256 channels.
backbone = dict(
    type='PyramidVisionTransformerV2',
    embed_dims=64,
    num_layers=(2, 2, 2, 2),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b1.pth',
    ),
)
mapper = dict(
    type='ChannelMapper',
    in_channels=[64, 128, 320, 512],
    out_channels=256,
    kernel_size=1,
    norm_cfg=dict(type='GN', num_groups=32),
    act_cfg=None,
)
