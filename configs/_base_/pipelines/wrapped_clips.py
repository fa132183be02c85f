# VisTR's clips of 36 frames: consecutive ones that end anywhere in the video and wrap
# around at its beginning, so that a 2019 video comes whole, cyclically shifted. A leaf
# puts these lists into the data sets of its loaders.
#
# Colours are distorted last and not, as published, between the resizes: pixel by pixel
# it is the same up to interpolation, on a quarter of the pixels.
_load = [
    dict(type='SampleConsecutiveClip', clip_len=36, wrap=True),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='RandomFlip', prob=0.5),
            dict(
                type='RandomChoiceResize',
                scales=[(800, side) for side in range(480, 769, 32)],
                resize_type='Resize',
                keep_ratio=True,
                backend='pillow',
            ),
            dict(
                type='RandomChoiceResize',
                scales=[(100000, side) for side in (400, 500, 600)],  # no long limit
                resize_type='Resize',
                keep_ratio=True,
                backend='pillow',
            ),
        ],
    ),
    dict(type='RandomClipCrop', min_size=384, max_size=600),
]
_distort = [
    # Each frame has its own colours.
    dict(type='TransformBroadcaster', transforms=[dict(type='PhotoMetricDistortion')]),
    dict(type='PackClipInputs'),
]

wrapped_pipeline = [
    *_load,
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='Resize', scale=(540, 300), keep_ratio=True, backend='pillow')
        ],
    ),
    *_distort,
]
# ResNet-101 was trained on smaller frames, and tested on those of ResNet-50.
small_wrapped_pipeline = [
    *_load,
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='Resize', scale=(504, 280), keep_ratio=True, backend='pillow')
        ],
    ),
    *_distort,
]
side_300_test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(100000, 300), keep_ratio=True, backend='pillow'),
        ],
    ),
    dict(type='PackClipInputs'),
]
