# Your own videos as whole_frames.py has them, and photos with masks in COCO's format,
# which become clips of two frames: ratios are videos and photos of a round.
#   <photo_root>/train.json   <photo_root>/train/<image>.jpg
# A leaf sets classes, the names of those of the videos, and class_map, which merges the
# categories of the photos into these.
_base_ = 'whole_frames.py'

photo_root = 'data/photos/'
ratios = [1, 1]
metainfo = dict(classes='$classes')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MixedClipDataset',
        ratios='$ratios',
        datasets=[
            dict(
                _base_.train_dataloader.dataset,
                metainfo=metainfo,
                pipeline='$train_pipeline',
            ),
            dict(
                type='CocoClipDataset',
                data_root='$photo_root',
                ann_file='train.json',
                data_prefix=dict(img='train/'),
                metainfo=metainfo,
                class_map='$class_map',
                pipeline='$photo_pipeline',
            ),
        ],
    )
)
val_dataloader = dict(dataset=dict(metainfo=metainfo))
test_dataloader = val_dataloader
