# Your own videos in the format of YouTube-VIS; the classes are those of the json:
#   <data_root>/{train,valid}.json, both annotated
#   <data_root>/JPEGImages/<video>/<frame>.jpg
# The data root on the command line:
#   --cfg-options train_dataloader.dataset.data_root=DIR \
#       val_dataloader.dataset.data_root=DIR test_dataloader.dataset.data_root=DIR
# The evaluator reads the annotation file of the data set it evaluates.
_base_ = 'youtube_vis_2019.py'

dataset_version = None
data_root = 'data/custom/'

train_dataloader = dict(
    dataset=dict(
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='train.json',
        data_prefix=dict(img='JPEGImages/'),
    )
)
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='VideoChunkSampler', chunk_len=8),
    dataset=dict(
        type='YouTubeVISDataset',
        data_root=data_root,
        ann_file='valid.json',
        data_prefix=dict(img='JPEGImages/'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
val_evaluator = dict(_delete_=True, type='VISMetric')
val_cfg = dict(_delete_=True, type='ValLoop')

test_dataloader = val_dataloader
test_evaluator = val_evaluator
