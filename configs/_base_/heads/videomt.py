# VidEoMT's head on the coarsest of four levels of 256 channels; masks at stride 4. Its
# blocks tell patches apart by rotary positions, which no other backbone than ViT adds.
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
# It reads no other level, so that what maps the finer ones learns nothing.
find_unused_parameters = True
