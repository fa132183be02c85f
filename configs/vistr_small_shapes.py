# A small VisTR on ShapesVIS, for the CPU. Its backbone comes from
# ifc_small_shapes_backbone.py.
_base_ = [
    '_base_/models/vistr_small.py',
    '_base_/datasets/shapes_vis.py',
    '_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/ifc_small_shapes_backbone/iter_1000.pth',
            prefix='backbone.',
        ),
    ),
)
# As many frames as the head has queries for; the rest is that of ShapesVIS.
_sample = dict(type='SampleReferenceClip', clip_len=3, frame_range=4)
train_dataloader = dict(dataset=dict(pipeline=[_sample, *_base_.train_pipeline[1:]]))
max_iters = 1000
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
    clip_grad=dict(max_norm=0.1),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end=max_iters),
]
default_hooks = dict(
    logger=dict(interval=200), checkpoint=dict(interval=500, max_keep_ckpts=2)
)
