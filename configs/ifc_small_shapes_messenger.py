# The small IFC with messenger tokens in place of memory tokens.
_base_ = 'ifc_small_shapes.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='FromScratchMessengerTokenNeck',
        in_channels=[16, 64],
        embed_dims=64,
        num_messenger_tokens=4,
        shift_strides=(1, -1, 2, -2),
        num_layers=2,
        layer={{_base_.layer}},
        pos_temperature={{_base_.pos_temperature}},
    ),
)
