_base_ = 'videomt_vit-s.py'

embed_dims = 1024
layer = dict(num_heads=16)
model = dict(
    backbone=dict(embed_dims=embed_dims, num_blocks=20, layer=layer),
    head=dict(in_channels=[embed_dims], num_blocks=4, layer=layer),
)
