# TeViT's: 9,200 iterations of 16 clips (8 GPUs x 2); learning rate x0.1 after 6,100
# and 8,500.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2.5e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=0.1, norm_type=2),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=9200, val_interval=2000)
param_scheduler = [
    # Full after 770 iterations; MMEngine counts both ends.
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=771),
    dict(type='MultiStepLR', by_epoch=False, milestones=[6100, 8500], gamma=0.1),
]
# The learning rate follows the total batch size.
auto_scale_lr = dict(enable=True, base_batch_size=16)
