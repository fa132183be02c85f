# EoMT's images: 0.1 to 2 times as large as 640 pixels, cropped to at most 640 x 640,
# to which the model pads them.
scale_jitter_pipeline = [
    dict(type='SampleAllFrames'),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomResize',
                scale=(640, 640),
                ratio_range=(0.1, 2.0),
                resize_type='Resize',
                keep_ratio=True,
                backend='pillow',
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='RandomClipCrop', min_size=640, max_size=640),
    dict(type='PackClipInputs'),
]
