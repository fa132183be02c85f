# ResNet-50, frozen up to its first stage; levels at strides 4, 8, 16, 32, 256 channels.
backbone = dict(
    type='ResNet',
    depth=50,
    out_indices=(0, 1, 2, 3),
    frozen_stages=1,
    norm_cfg=dict(type='BN', requires_grad=False),
    norm_eval=True,
    style='pytorch',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
    ),
)
mapper = dict(
    type='ChannelMapper',
    in_channels=[256, 512, 1024, 2048],
    out_channels=256,
    kernel_size=1,
    norm_cfg=dict(type='GN', num_groups=32),
    act_cfg=None,
)
