# YouTube-VIS 2019 with a part of train held out, because the annotations of the
# official valid are not public; made by tools/dataset_converters/split_ytvis.py:
#   data/youtube_vis_2019/{train_train,train_val}.json
_base_ = 'youtube_vis_2019.py'

data_root = 'data/youtube_vis_2019/'

train_dataloader = dict(dataset=dict(ann_file='train_train.json'))
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='VideoChunkSampler', chunk_len=8),
    dataset=dict(
        type='YouTubeVISDataset',
        dataset_version='2019',
        data_root=data_root,
        ann_file='train_val.json',
        data_prefix=dict(img='train/JPEGImages/'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
val_evaluator = dict(_delete_=True, type='VISMetric')
val_cfg = dict(_delete_=True, type='ValLoop')

test_dataloader = val_dataloader
test_evaluator = val_evaluator
