# For small models with a pre-trained backbone, which learns at a tenth of the rate.
# max_minutes, if it is set, replaces max_iters.
max_iters = 1600
max_minutes = None
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2, fused=True),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(
    type='ResumableTrainLoop',
    max_iters='$max_iters',
    max_minutes='$max_minutes',
    val_interval='$max_iters',
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
    dict(
        type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end='$max_iters'
    ),
]
