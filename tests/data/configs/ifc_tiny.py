# IFC with 2 decoder layers and 32 channels on ShapesVIS: everything that
# configs/ifc_r50.py has, small enough to train some steps in a second.
_base_ = [
    '../../../configs/_base_/models/ifc_r50.py',
    '../../../configs/_base_/datasets/shapes_vis.py',
    '../../../configs/_base_/default_runtime.py',
]
num_classes = 5
model = dict(
    backbone=dict(
        depth=18, stem_channels=8, base_channels=8, frozen_stages=-1, init_cfg=None
    ),
    neck=dict(
        in_channels=[16, 32, 64],
        embed_dims=32,
        num_memory_tokens=2,
        num_layers=1,
        layer=dict(feedforward_channels=64),
    ),
    head=dict(
        num_classes=num_classes,
        in_channels=[16, 32, 32],
        embed_dims=32,
        num_queries=7,
        decoder=dict(num_layers=2, layer=dict(feedforward_channels=64)),
    ),
    test_cfg=dict(clip_len=3),
)
# Pipelines of the benchmarks at the size of the frames, 64 x 96.
train_pipeline = [
    dict(type='SampleReferenceClip', clip_len=3, frame_range=3),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[(120, 64), (120, 80)],
                resize_type='Resize',
                keep_ratio=True,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackClipInputs'),
]
test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(96, 64), keep_ratio=True),
        ],
    ),
    dict(type='PackClipInputs'),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline)
)
test_dataloader = val_dataloader
train_cfg = dict(type='ResumableTrainLoop', max_iters=4, val_interval=100)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
param_scheduler = [dict(type='MultiStepLR', milestones=[3], by_epoch=False)]
auto_scale_lr = dict(enable=False, base_batch_size=2)
default_hooks = dict(checkpoint=dict(interval=2), logger=dict(interval=1))
