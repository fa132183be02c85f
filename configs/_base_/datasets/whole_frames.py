# Your own videos as custom.py has them, for small models: clips of two whole frames, as
# crops would change the position of objects. Training draws frames that are a sixth
# smaller than those of a test (train-test resolution, Touvron et al., NeurIPS 2019).
_base_ = 'custom.py'

data_root = 'data/custom/'
image_scale = (384, 216)  # at most, (long, short) edge of a frame at test

# Large JPEGs are decoded at 1.5 times image_scale or more; Resize smooths the rest.
_load_frame = dict(type='LoadFrameFromFile', decode_scale='$image_scale')
_load = [
    dict(type='TransformBroadcaster', transforms=[_load_frame]),
    dict(type='LoadClipAnnotations'),
]
jitter = dict(
    type='TransformBroadcaster',
    share_random_params=True,
    transforms=[
        dict(
            type='RandomResize',
            scale='$image_scale',
            ratio_range=(0.729, 0.938),
            resize_type='Resize',
            keep_ratio=True,
            backend='torch',
        ),
        dict(type='PhotoMetricDistortion'),
        dict(type='RandomFlip', prob=0.5),
    ],
)
train_pipeline = [
    dict(type='SampleReferenceClip', clip_len=2, frame_range=4),
    *_load,
    jitter,
    dict(type='PackClipInputs'),
]
# Photos as clips of two frames, for a CocoClipDataset beside the videos.
photo_pipeline = [
    dict(type='SampleAllFrames'),
    *_load,
    dict(type='MakePseudoClip', clip_len=2, scale_range=(0.9, 1.3)),
    jitter,
    dict(type='PackClipInputs'),
]
test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            _load_frame,
            dict(type='Resize', scale='$image_scale', keep_ratio=True, backend='torch'),
        ],
    ),
    dict(type='PackClipInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root='$data_root', pipeline='$train_pipeline'),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(data_root='$data_root', pipeline='$test_pipeline'),
)
test_dataloader = val_dataloader
