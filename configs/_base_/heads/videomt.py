# VidEoMT's head on the coarsest of four levels of 256 channels; masks at stride 4. Its
# blocks have rotary positions, since backbones other than ViT add no positions.
_base_ = '../models/videomt_vit-s.py'

head_neck = []
layer = dict(num_heads=8, layer_scale=1e-5)
model = dict(
    type='VidEoMT',
    head=dict(
        in_channels=[256, 256, 256, 256],
        layer=layer,
        position='rotary',
        num_upscale_steps=3,
    ),
)
# It reads no other level, so that the mappers of finer levels get no gradient.
find_unused_parameters = True
