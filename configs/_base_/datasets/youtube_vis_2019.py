# YouTube-VIS 2019, as downloaded:
#   data/youtube_vis_2019/{train,valid,test}.json
#   data/youtube_vis_2019/{train,valid,test}/JPEGImages/<video>/<frame>.jpg
dataset_type = 'YouTubeVISDataset'
dataset_version = '2019'
data_root = 'data/youtube_vis_2019/'
backend_args = None
clip_len = 5

train_pipeline = [
    dict(type='SampleReferenceClip', clip_len=clip_len, frame_range=20),
    dict(
        type='TransformBroadcaster',
        transforms=[dict(type='LoadFrameFromFile', backend_args=backend_args)],
    ),
    dict(type='LoadClipAnnotations'),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[(1333, 360), (1333, 480)],
                resize_type='Resize',
                keep_ratio=True,
                backend='pillow',  # published systems resize with Pillow, bilinear
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
            dict(type='LoadFrameFromFile', backend_args=backend_args),
            dict(type='Resize', scale=(1333, 360), keep_ratio=True, backend='pillow'),
        ],
    ),
    dict(type='PackClipInputs'),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler', shuffle=True),
    batch_sampler=dict(type='SeededAspectRatioBatchSampler'),
    dataset=dict(
        type=dataset_type,
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img='train/JPEGImages/'),
        filter_cfg=dict(filter_empty_gt=True),
        backend_args=backend_args,
        pipeline=train_pipeline,
    ),
)
# The annotations of valid and test are on the server only: nothing to validate on
# while training. See youtube_vis_2019_split.py for a part held out of train.
val_dataloader = None
val_evaluator = None
val_cfg = None

test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='VideoChunkSampler', chunk_len=8),
    dataset=dict(
        type=dataset_type,
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='valid.json',
        data_prefix=dict(img='valid/JPEGImages/'),
        test_mode=True,
        backend_args=backend_args,
        pipeline=test_pipeline,
    ),
)
# The evaluator reads the annotation file of the data set it evaluates.
test_evaluator = dict(type='VISMetric', format_only=True)
test_cfg = dict(type='TestLoop')
