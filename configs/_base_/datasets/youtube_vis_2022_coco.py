# YouTube-VIS 2022 and clips made of COCO's images, one to one; where they lie:
# youtube_vis_2022.py, coco_clip.py.
_base_ = ['youtube_vis_2022.py', '../pipelines/coco_and_videos.py']

train_dataloader = dict(
    batch_size=1,
    dataset=dict(
        _delete_=True,
        type='MixedClipDataset',
        datasets=[
            dict(_base_.pseudo_clips, dataset_version=_base_.dataset_version),
            dict(_base_.train_dataloader.dataset, pipeline=_base_.video_pipeline),
        ],
    ),
)
test_dataloader = dict(dataset=dict(pipeline=_base_.side_448_test_pipeline))
