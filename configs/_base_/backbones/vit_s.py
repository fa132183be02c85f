# ViT-S of DINOv2 with registers; levels at strides 4, 8, 16, 32, 256 channels. To start
# from DINOv2, see docs/compose.md.
backbone = dict(
    type='VisionTransformer',
    embed_dims=384,
    num_blocks=12,
    layer=dict(num_heads=6, layer_scale=1e-5),
    patch_size=16,
    img_size=640,
    num_registers=4,
)
mapper = dict(type='SimpleFeaturePyramid', in_channels=[384], out_channels=256)
