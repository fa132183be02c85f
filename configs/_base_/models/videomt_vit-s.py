# VidEoMT (Norouzi et al., CVPR 2026) with ViT-S, as published for YouTube-VIS. Without
# `propagation` it is EoMT (Kerssies et al., CVPR 2025).
num_classes = 40
embed_dims = 384
layer = dict(num_heads=6, layer_scale=1e-5)  # DINOv2's
model = dict(
    type='VidEoMT',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='VisionTransformer',
        embed_dims=embed_dims,
        num_blocks=9,
        layer=layer,
        patch_size=16,
        img_size=640,
        num_registers=4,
        final_norm=False,
    ),
    head=dict(
        type='VidEoMTHead',
        num_classes=num_classes,
        in_channels=[embed_dims],
        layer=layer,
        num_blocks=3,
        num_queries=200,
        criterion=dict(
            type='FrameMaskCriterion',
            assigner=dict(
                type='FirstFrameAssigner',
                match_costs=[
                    dict(type='ClassificationCost', weight=2.0),
                    dict(type='CrossEntropyLossCost', use_sigmoid=True, weight=5.0),
                    dict(type='DiceCost', pred_act=True, eps=1.0, weight=5.0),
                ],
            ),
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=2.0),
            loss_mask=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=5.0),
            loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0, loss_weight=5.0),
            masks=dict(
                type='PointMasks',
                num_points=12544,
                oversample_ratio=3.0,
                importance_sample_ratio=0.75,
            ),
            no_object_weight=0.1,
        ),
    ),
    # Online: a frame at a time; the ten best pairs of query and class.
    test_cfg=dict(
        clip_len=1,
        merger=dict(type='QueryIndexMerger', average_logits=True),
        score_thr=0.0,
        max_per_video=10,
    ),
)
