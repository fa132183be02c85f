# IFC's YouTube-VIS stage: 6,000 iterations of 16 clips (8 GPUs x 2), about 43
# epochs of the 2019 set; learning rate x0.1 after 4,000.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
    # Far below usual norms, so that every step is scaled: part of the recipe.
    clip_grad=dict(max_norm=0.01, norm_type=2),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=6000, val_interval=2000)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=False, milestones=[4000], gamma=0.1),
]
# The learning rate follows the total batch size.
auto_scale_lr = dict(enable=True, base_batch_size=16)
