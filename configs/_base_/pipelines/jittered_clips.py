# Clips for small models on few videos: colours, scale and cut drawn anew each time, the
# same in all frames. Frames at test are at most 160x72; crops have about their area.
jittered_pipeline = [
    dict(type='SampleReferenceClip', clip_len=2, frame_range=4),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
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
    dict(type='PackClipInputs'),
]
