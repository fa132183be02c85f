# Tiny videos (mmvis.testing.make_tiny_vis) at their size.
_base_ = '../../../../configs/_base_/datasets/custom.py'
train_pipeline = [
    dict(type='SampleReferenceClip', clip_len=3, frame_range=3),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
    dict(type='PackClipInputs'),
]
test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='PackClipInputs'),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline)
)
test_dataloader = val_dataloader
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4)
)
