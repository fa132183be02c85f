# COCO 2017 as clips of one frame, for pre-training:
#   data/coco/annotations/instances_{train,val}2017.json
#   data/coco/{train,val}2017/<image>.jpg
# The augmentation is IFC's: a crop, always, then the shortest side.
dataset_type = 'CocoClipDataset'
data_root = 'data/coco/'
backend_args = None

train_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[dict(type='LoadFrameFromFile', backend_args=backend_args)],
    ),
    dict(type='LoadClipAnnotations'),
    dict(type='RandomClipCrop', min_size=384, max_size=600),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(
                type='RandomChoiceResize',
                scales=[(1333, side) for side in range(480, 801, 32)],
                resize_type='Resize',
                keep_ratio=True,
                backend='pillow',
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='PackClipInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler', shuffle=True),
    batch_sampler=dict(type='SeededAspectRatioBatchSampler'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        filter_cfg=dict(filter_empty_gt=False),  # IFC keeps images without annotation
        backend_args=backend_args,
        pipeline=train_pipeline,
    ),
)
# No validation: pre-training is evaluated after training on videos.
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = None
test_evaluator = None
test_cfg = None
