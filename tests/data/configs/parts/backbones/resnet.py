_base_ = '../../../../../configs/_base_/backbones/resnet50.py'
backbone = dict(
    depth=18, stem_channels=8, base_channels=8, frozen_stages=-1, init_cfg=None
)
mapper = dict(in_channels=[8, 16, 32, 64], out_channels=16, norm_cfg=dict(num_groups=4))
