# VisTR's: 18 passes over the (video, frame) pairs of YouTube-VIS 2019, 61,845 of them,
# with 8 clips an iteration; learning rate x0.1 after 12 passes.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=0.1, norm_type=2),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=139200, val_interval=7700)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=False, milestones=[92800], gamma=0.1),
]
# The learning rate follows the total batch size.
auto_scale_lr = dict(enable=True, base_batch_size=8)
