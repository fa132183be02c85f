# QueryInst's with Swin-L on COCO: 50 epochs of 16 images, learning rate x0.1 after 40,
# the same rate for all weights; norms and position tables without decay.
_base_ = 'adamw_coco_3x.py'

optim_wrapper = dict(
    optimizer=dict(lr=2.5e-5),
    paramwise_cfg=dict(
        _delete_=True,
        custom_keys={
            'absolute_pos_embed': dict(decay_mult=0.0),
            'relative_position_bias_table': dict(decay_mult=0.0),
            'norm': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(max_iters=366500)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=1001),
    dict(type='MultiStepLR', by_epoch=False, milestones=[293200], gamma=0.1),
]
