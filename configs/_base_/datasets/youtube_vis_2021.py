# YouTube-VIS 2021, as downloaded:
#   data/youtube_vis_2021/{train,valid,test}/instances.json
#   data/youtube_vis_2021/{train,valid,test}/JPEGImages/<video>/<frame>.jpg
_base_ = 'youtube_vis_2019.py'

dataset_version = '2021'
data_root = 'data/youtube_vis_2021/'

train_dataloader = dict(
    dataset=dict(
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='train/instances.json',
    )
)
test_dataloader = dict(
    dataset=dict(
        dataset_version=dataset_version,
        data_root=data_root,
        ann_file='valid/instances.json',
    )
)
