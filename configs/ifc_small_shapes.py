# A small IFC on ShapesVIS, for the CPU: tools/quickstart.sh. The weights of its
# backbone and auxiliary head come from ifc_small_shapes_backbone.py.
_base_ = [
    '_base_/models/ifc_small.py',
    '_base_/datasets/shapes_vis.py',
    '_base_/default_runtime.py',
]

pretrained_backbone = 'work_dirs/ifc_small_shapes_backbone/iter_1000.pth'
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint=pretrained_backbone, prefix='backbone.'
        ),
    ),
    auxiliary_head=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint=pretrained_backbone, prefix='head.'
        ),
    ),
)
max_iters = 2400
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2, fused=True),
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
