_base_ = 'videomt_vit-s.py'

embed_dims = 768
layer = dict(num_heads=12)
model = dict(
    backbone=dict(embed_dims=embed_dims, layer=layer),
    head=dict(in_channels=[embed_dims], layer=layer),
)
