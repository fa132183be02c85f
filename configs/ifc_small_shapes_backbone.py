# Pre-training of the backbone of ifc_small_shapes.py: the classification of each cell
# of its coarsest map, on single frames of ShapesVIS. It replaces the ImageNet weights
# that the published models start from.
_base_ = [
    '_base_/models/ifc_small.py',
    '_base_/datasets/shapes_vis.py',
    '_base_/default_runtime.py',
]

model = dict(
    _delete_=True,
    type='ClipVISModel',
    data_preprocessor={{_base_.model.data_preprocessor}},
    backbone={{_base_.model.backbone}},
    head={{_base_.model.auxiliary_head}},
)
image_scale = (160, 72)  # at most, (long, short) edge: ShapesVIS's frames as they are
max_iters = 1000
train_pipeline = [
    dict(type='SampleReferenceClip', clip_len=1, frame_range=1),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='Resize', scale=image_scale, keep_ratio=True),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackClipInputs'),
]
# Loading such small clips is faster than passing them between processes.
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline),
)
# A backbone has no tracks to test.
val_cfg = None
val_dataloader = None
val_evaluator = None
test_cfg = None
test_dataloader = None
test_evaluator = None

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=1e-2, fused=True),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end=max_iters),
]
default_hooks = dict(
    logger=dict(interval=200), checkpoint=dict(interval=500, max_keep_ckpts=2)
)
