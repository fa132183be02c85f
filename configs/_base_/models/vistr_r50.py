# VisTR (Wang et al., CVPR 2021) with ResNet-50, as published for YouTube-VIS.
num_classes = 40
max_clip_len = 36
embed_dims = 384
model = dict(
    type='VisTR',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=1,
    ),
    backbone=dict(
        type='ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        # ImageNet, where training does not start from a DETR; see docs/training.md.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
        ),
    ),
    neck=dict(
        type='SpaceTimeEncoderNeck',
        in_channels=[256, 512, 1024, 2048],
        embed_dims=embed_dims,
        num_layers=6,
    ),
    head=dict(
        type='VisTRHead',
        num_classes=num_classes,
        num_unused_classes=1,  # class 0 of the published checkpoints
        in_channels=[256, 512, 1024, embed_dims],
        clip_len=max_clip_len,
        num_instances=10,
        embed_dims=embed_dims,
        decoder=dict(type='ClipDecoder', num_layers=6, temporal_position=True),
        criterion=dict(
            type='InstanceSequenceCriterion',
            assigner=dict(
                type='ClipHungarianAssigner',
                match_costs=[
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='ClassificationCost', weight=1.0),
                    ),
                    dict(
                        type='FrameMeanCost',
                        # 5 for the mean over the four coordinates, which are summed
                        cost=dict(type='BBoxL1Cost', box_format='xywh', weight=1.25),
                    ),
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='IoUCost', iou_mode='iou', weight=2.0),
                    ),
                ],
            ),
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
            loss_bbox=dict(type='L1Loss', loss_weight=5.0),
            loss_iou=dict(type='GIoULoss', loss_weight=2.0),
            loss_mask=dict(type='FocalLoss', gamma=2.0, alpha=0.25, loss_weight=1.0),
            loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0, loss_weight=1.0),
            no_object_weight=0.1,
        ),
    ),
    # A video of at most 36 frames is one clip, as published; a longer one is cut.
    test_cfg=dict(
        clip_len=max_clip_len,
        clip_stride=18,
        multi_class=False,
        merger=dict(type='IFCClipMerger'),
    ),
)
