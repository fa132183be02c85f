# vistr_r50.py on one GPU of 24 GB: the same model and the same updates. Activations are
# computed again in the backward pass, and kept in float16 where that is safe; the
# gradients of eight clips are averaged before each update.
_base_ = 'vistr_r50.py'

clips_per_update = 8
model = dict(
    backbone=dict(with_cp=True),
    neck=dict(with_cp=True),
    head=dict(with_cp=True),
)
optim_wrapper = dict(
    type='AmpOptimWrapper', loss_scale='dynamic', accumulative_counts=clips_per_update
)
train_cfg = dict(
    max_iters=139200 * clips_per_update, val_interval=7700 * clips_per_update
)
param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=False,
        milestones=[92800 * clips_per_update],
        gamma=0.1,
    ),
]
# MMEngine does not count the clips of an update, only those of an iteration.
auto_scale_lr = dict(enable=False)
