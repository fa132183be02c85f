# VidEoMT's clips: five frames of a video, at most two frames from a reference, or five
# views of one of COCO's images, each rotated by up to 15 degrees. A data set puts these
# lists into its loaders.
_clip_len = 5
_crop_and_resize = [
    dict(type='RandomClipCrop', min_size=384, max_size=600),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[
                    (768, side)
                    for side in (320, 352, 392, 416, 448, 480, 512, 544, 576, 608, 640)
                ],
                resize_type='Resize',
                keep_ratio=True,
                backend='pillow',
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackClipInputs'),
]
_load = [
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
]
video_pipeline = [
    dict(type='SampleReferenceClip', clip_len=_clip_len, frame_range=2),
    *_load,
    *_crop_and_resize,
]
pseudo_clip_pipeline = [
    dict(type='SampleAllFrames'),
    *_load,
    dict(
        type='MakePseudoClip',
        clip_len=_clip_len,
        max_rotate_degree=15.0,
        scale_range=(1.0, 1.0),
        max_shift=0.0,
        smooth=False,
    ),
    *_crop_and_resize,
]
pseudo_clips = dict(
    type='CocoClipDataset',
    data_root='data/coco/',
    ann_file='annotations/instances_train2017.json',
    data_prefix=dict(img='train2017/'),
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=pseudo_clip_pipeline,
)
side_448_test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(1333, 448), keep_ratio=True, backend='pillow'),
        ],
    ),
    dict(type='PackClipInputs'),
]
side_544_test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(1333, 544), keep_ratio=True, backend='pillow'),
        ],
    ),
    dict(type='PackClipInputs'),
]
