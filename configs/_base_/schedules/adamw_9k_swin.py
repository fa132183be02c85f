# TeViT's with Swin: norms and position tables without weight decay.
_base_ = 'adamw_9k.py'

# The longest key that occurs in a name decides alone, so that backbone norms do decay
# and position tables learn at the full rate: the published recipe.
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'absolute_pos_embed': dict(decay_mult=0.0),
            'relative_position_bias_table': dict(decay_mult=0.0),
            'norm': dict(decay_mult=0.0),
        },
    ),
)
