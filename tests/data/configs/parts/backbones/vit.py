_base_ = '../../../../../configs/_base_/backbones/vit_s.py'
backbone = dict(embed_dims=32, num_blocks=2, layer=dict(num_heads=2), img_size=64)
mapper = dict(in_channels=[32], out_channels=16)
