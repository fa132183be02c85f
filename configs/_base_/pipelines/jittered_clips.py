# For small models on few videos, in place of resizing and flipping: random colours,
# scale and crop of each clip, the same in all frames. Frames at test are at most
# 160x72; crops have about their area.
jitter = [
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='PhotoMetricDistortion'),
            dict(
                type='RandomResize',
                scale=[(160, 72), (256, 116)],
                resize_type='Resize',
                keep_ratio=True,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='RandomClipCrop', min_size=64, max_size=112),
]
