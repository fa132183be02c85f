# A small VidEoMT, trained from scratch on a CPU in minutes: a ViT of 96 channels
# whose patches of 8 pixels come from the thin ResNet-18 of ifc_small.py, 20 queries on
# a grid, masks at stride 4.
num_classes = 5
embed_dims = 96
layer = dict(num_heads=4, layer_scale=1.0)
pos_temperature = 20  # DAB-DETR's (Liu et al., ICLR 2022): sharper positions
model = dict(
    type='FromScratchVISModel',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=8,
    ),
    backbone=dict(
        type='FromScratchVisionTransformer',
        stem=dict(
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
        embed_dims=embed_dims,
        num_blocks=1,
        layer=layer,
        patch_size=8,
        img_size=128,
        num_registers=0,
        final_norm=False,
        pos_temperature=pos_temperature,
    ),
    head=dict(
        type='FromScratchVidEoMTHead',
        num_classes=num_classes,
        in_channels=[embed_dims],
        layer=layer,
        num_blocks=3,
        num_queries=20,
        query_grid=(4, 5),
        pos_temperature=pos_temperature,
        num_upscale_steps=1,
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
            masks=dict(type='DenseMasks', mask_stride=4),
        ),
    ),
    auxiliary_head=dict(
        type='SemanticHead',
        num_classes=num_classes,
        in_channels=[embed_dims],
        loss_weight=20.0,
    ),
    test_cfg=dict(
        clip_len=1,
        merger=dict(type='QueryIndexMerger', average_logits=True),
        score_thr=0.01,
    ),
)
