# YouTube-VIS 2022 adds long videos to valid and test; train is that of 2021:
#   data/youtube_vis_2021/train/...
#   data/youtube_vis_2022/{valid,test}/instances.json
#   data/youtube_vis_2022/{valid,test}/JPEGImages/<video>/<frame>.jpg
_base_ = 'youtube_vis_2021.py'

dataset_version = '2022'
data_root = 'data/youtube_vis_2022/'

train_dataloader = dict(dataset=dict(dataset_version=dataset_version))
test_dataloader = dict(
    dataset=dict(dataset_version=dataset_version, data_root=data_root)
)
