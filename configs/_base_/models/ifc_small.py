# A small IFC, trained from scratch on a CPU in minutes: a thin ResNet-18 up to
# stride 8, 64 channels, 20 queries on a grid, masks at stride 4.
num_classes = 5
layer = dict(num_heads=4, feedforward_channels=256, dropout=0.0)
pos_temperature = 20  # DAB-DETR's (Liu et al., ICLR 2022): sharper positions
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
        type='FromScratchMemoryTokenNeck',
        in_channels=[16, 64],
        embed_dims=64,
        num_memory_tokens=4,
        num_layers=2,
        layer=layer,
        pos_temperature=pos_temperature,
    ),
    head=dict(
        type='FromScratchIFCHead',
        num_classes=num_classes,
        in_channels=[16, 64],
        num_levels=2,
        embed_dims=64,
        num_queries=20,
        decoder=dict(
            type='GridClipDecoder',
            num_layers=2,
            layer=layer,
            query_grid=(4, 5),
            pos_temperature=pos_temperature,
        ),
        num_groups=8,
        criterion=dict(
            type='ClipMaskCriterion',
            assigner=dict(
                type='ClipHungarianAssigner',
                match_costs=[
                    dict(type='ClassificationCost', weight=2.0),
                    dict(
                        type='DiceCost',
                        pred_act=True,
                        naive_dice=True,
                        eps=1.0,
                        weight=5.0,
                    ),
                ],
            ),
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=2.0),
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
    test_cfg=dict(clip_len=5, clip_stride=1, merger=dict(type='TrackClipMerger')),
)
