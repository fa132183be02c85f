# Swin-T; levels at strides 4, 8, 16, 32, 256 channels.
backbone = dict(
    type='SwinTransformer',
    embed_dims=96,
    depths=(2, 2, 6, 2),
    num_heads=(3, 6, 12, 24),
    window_size=7,
    drop_path_rate=0.2,
    out_indices=(0, 1, 2, 3),
    convert_weights=True,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_tiny_patch4_window7_224.pth',
    ),
)
mapper = dict(
    type='ChannelMapper',
    in_channels=[96, 192, 384, 768],
    out_channels=256,
    kernel_size=1,
    norm_cfg=dict(type='GN', num_groups=32),
    act_cfg=None,
)
