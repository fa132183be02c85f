# OVIS, as downloaded (images lie directly under the split):
#   data/ovis/annotations_{train,valid,test}.json
#   data/ovis/{train,valid,test}/<video>/<frame>.jpg
# AP is computed if annotations_valid.json has annotations, which were published later.
_base_ = 'youtube_vis_2019.py'

dataset_version = 'ovis'
data_root = 'data/ovis/'

train_dataloader = dict(
    dataset=dict(
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='annotations_train.json',
        data_prefix=dict(img='train/'),
    )
)
test_dataloader = dict(
    dataset=dict(
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='annotations_valid.json',
        data_prefix=dict(img='valid/'),
    )
)
test_evaluator = dict(format_only=False)
