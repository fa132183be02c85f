# IFC (Hwang et al., NeurIPS 2021) with ResNet-50, as published for YouTube-VIS.
num_classes = 40
model = dict(
    type='IFC',
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
        out_indices=(1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
        ),
    ),
    neck=dict(
        type='MemoryTokenNeck',
        in_channels=[512, 1024, 2048],
        embed_dims=256,
        num_memory_tokens=8,
        num_layers=3,
    ),
    head=dict(
        type='IFCHead',
        num_classes=num_classes,
        in_channels=[512, 1024, 256],
        embed_dims=256,
        num_queries=100,
        decoder=dict(type='ClipDecoder', num_layers=3),
        criterion=dict(
            type='ClipMaskCriterion',
            assigner=dict(
                type='ClipHungarianAssigner',
                match_costs=[
                    dict(type='ClassificationCost', weight=1.0),
                    dict(
                        type='DiceCost',
                        pred_act=True,
                        naive_dice=True,
                        eps=1.0,
                        weight=3.0,
                    ),
                ],
            ),
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
            loss_mask=dict(type='FocalLoss', gamma=2.0, alpha=0.25, loss_weight=3.0),
            loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0, loss_weight=3.0),
            no_object_weight=0.1,
        ),
    ),
    # Near-online: clips of five frames that advance by one, as published.
    test_cfg=dict(
        clip_len=5,
        clip_stride=1,
        frame_stride=1,
        score_thr=0.01,
        merger=dict(type='IFCClipMerger'),
    ),
)
