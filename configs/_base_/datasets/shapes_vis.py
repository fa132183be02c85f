# ShapesVIS, made by tools/dataset_converters/make_shapes_vis.py:
#   data/shapes_vis/{train,valid}.json
#   data/shapes_vis/{train,valid}/JPEGImages/<video>/<frame>.jpg
_base_ = 'custom.py'

data_root = 'data/shapes_vis/'

image_scale = (160, 72)  # at most, (long, short) edge: ShapesVIS's frames as they are
train_pipeline = [
    dict(type='SampleReferenceClip', clip_len=2, frame_range=4),
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
test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=image_scale, keep_ratio=True),
        ],
    ),
    dict(type='PackClipInputs'),
]
# Loading such small clips is faster than passing them between processes.
train_dataloader = dict(
    batch_size=6,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img='train/JPEGImages/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img='valid/JPEGImages/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
