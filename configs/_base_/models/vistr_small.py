# A small VisTR, trained from scratch on a CPU in minutes: the backbone of
# ifc_small.py, 96 channels, 6 instances in clips of 3 frames, masks at stride 4.
num_classes = 5
layer = dict(num_heads=4, feedforward_channels=256, dropout=0.0)
frames_per_clip = 3
embed_dims = 96
model = dict(
    type='FromScratchVISModel',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=1,
    ),
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=16,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 1),
        out_indices=(0, 2),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
    ),
    neck=dict(
        type='FromScratchSpaceTimeEncoderNeck',
        in_channels=[16, 64],
        embed_dims=embed_dims,
        num_layers=1,
        layer=layer,
    ),
    head=dict(
        type='FromScratchVisTRHead',
        num_classes=num_classes,
        in_channels=[16, embed_dims],
        clip_len=frames_per_clip,
        num_instances=6,
        embed_dims=embed_dims,
        num_attention_maps=4,
        decoder=dict(
            type='ClipDecoder', num_layers=3, layer=layer, temporal_position=True
        ),
        num_groups=4,
        criterion=dict(
            type='InstanceSequenceCriterion',
            assigner=dict(
                type='ClipHungarianAssigner',
                match_costs=[
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='ClassificationCost', weight=2.0),
                    ),
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='BBoxL1Cost', box_format='xywh', weight=5.0),
                    ),
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='IoUCost', iou_mode='giou', weight=2.0),
                    ),
                ],
            ),
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=2.0),
            loss_bbox=dict(type='L1Loss', loss_weight=5.0),
            loss_iou=dict(type='GIoULoss', loss_weight=2.0),
            loss_mask=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=5.0),
            loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0, loss_weight=5.0),
        ),
    ),
    auxiliary_head=dict(
        type='SemanticHead',
        num_classes=num_classes,
        in_channels=[16, 64],
        loss_weight=20.0,
    ),
    test_cfg=dict(
        clip_len=frames_per_clip, clip_stride=1, merger=dict(type='TrackClipMerger')
    ),
)
