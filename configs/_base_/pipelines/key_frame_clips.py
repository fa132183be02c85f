# TeViT's clips: frames from anywhere in the video, in any order, resized and flipped
# alike. A leaf puts one of these lists into the data set of its loader.
_load = [
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
]
_sample = [dict(type='SampleKeyFrameClip', clip_len=5), *_load]
_flip = dict(type='RandomFlip', prob=0.5)

# Both edges drawn independently between those of the two scales.
range_pipeline = [
    *_sample,
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomResize',
                scale=[(640, 360), (960, 480)],
                resize_type='Resize',
                keep_ratio=True,
            ),
            _flip,
        ],
    ),
    dict(type='PackClipInputs'),
]
# One of the two scales.
choice_pipeline = [
    *_sample,
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[(640, 360), (960, 480)],
                resize_type='Resize',
                keep_ratio=True,
            ),
            _flip,
        ],
    ),
    dict(type='PackClipInputs'),
]
# Swin-L's: short edges from 320 to 800.
wide_choice_pipeline = [
    *_sample,
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[(1333, side) for side in range(320, 801, 32)],
                resize_type='Resize',
                keep_ratio=True,
            ),
            _flip,
        ],
    ),
    dict(type='PackClipInputs'),
]
# QueryInst's on images, short edges from 480 to 800.
image_pipeline = [
    dict(type='SampleAllFrames'),
    *_load,
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[(1333, side) for side in range(480, 801, 32)],
                resize_type='Resize',
                keep_ratio=True,
            ),
            _flip,
        ],
    ),
    dict(type='PackClipInputs'),
]
# QueryInst's with Swin-L: short edges from 400 to 1200, in half of the cases of a crop,
# an augmentation that comes from DETR.
_wide_resize = dict(
    type='TransformBroadcaster',
    share_random_params=True,
    transforms=[
        dict(
            type='RandomResize',
            scale=[(1333, 400), (1333, 1200)],
            resize_type='Resize',
            keep_ratio=True,
        )
    ],
)
_resize_before_crop = dict(
    type='TransformBroadcaster',
    share_random_params=True,
    transforms=[
        dict(
            type='RandomChoiceResize',
            scales=[(1333, side) for side in (400, 500, 600)],
            resize_type='Resize',
            keep_ratio=True,
        )
    ],
)
_crop = dict(type='RandomClipCrop', min_size=384, max_size=600)
wide_image_pipeline = [
    dict(type='SampleAllFrames'),
    *_load,
    dict(type='TransformBroadcaster', share_random_params=True, transforms=[_flip]),
    dict(
        type='RandomChoice',
        transforms=[[_wide_resize], [_resize_before_crop, _crop, _wide_resize]],
    ),
    dict(type='PackClipInputs'),
]
small_test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(640, 360), keep_ratio=True),
        ],
    ),
    dict(type='PackClipInputs'),
]
large_test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(1333, 480), keep_ratio=True),
        ],
    ),
    dict(type='PackClipInputs'),
]
