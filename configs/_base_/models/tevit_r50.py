# TeViT (Yang et al., CVPR 2022) with ResNet-50, as published for YouTube-VIS.
num_classes = 40
num_queries = 100
num_stages = 6
feat_strides = [4, 8, 16, 32]
dynamic_conv = dict(
    type='DynamicConv',
    in_channels=256,
    feat_channels=64,
    out_channels=256,
    input_feat_shape=7,
    act_cfg=dict(type='ReLU', inplace=True),
    norm_cfg=dict(type='LN'),
)
model = dict(
    type='TeViT',
    data_preprocessor=dict(
        type='TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=True,
        style='pytorch',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet50-0676ba61.pth',
        ),
    ),
    neck=dict(
        type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=4
    ),
    head=dict(
        type='STQIHead',
        num_classes=num_classes,
        in_channels=[256, 256, 256, 256],
        num_tracks=10,
        rpn_head=dict(
            type='EmbeddingRPNHead',
            num_proposals=num_queries,
            proposal_feature_channel=256,
        ),
        roi_head=dict(
            type='SparseRoIHead',
            num_stages=num_stages,
            stage_loss_weights=[1] * num_stages,
            proposal_feature_channel=256,
            bbox_roi_extractor=dict(
                type='SortedRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
                out_channels=256,
                featmap_strides=feat_strides,
            ),
            mask_roi_extractor=dict(
                type='SortedRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=2),
                out_channels=256,
                featmap_strides=feat_strides,
            ),
            bbox_head=dict(
                type='ClipDIIHead',
                num_heads=8,
                num_cls_fcs=1,
                num_reg_fcs=3,
                feedforward_channels=2048,
                in_channels=256,
                dropout=0.0,
                dynamic_conv_cfg=dynamic_conv,
                loss_cls=dict(
                    type='FocalLoss',
                    use_sigmoid=True,
                    gamma=2.0,
                    alpha=0.25,
                    loss_weight=2.0,
                ),
                loss_bbox=dict(type='L1Loss', loss_weight=5.0),
                loss_iou=dict(type='GIoULoss', loss_weight=2.0),
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    clip_border=False,
                    target_means=[0.0, 0.0, 0.0, 0.0],
                    target_stds=[0.5, 0.5, 1.0, 1.0],
                ),
            ),
            mask_head=dict(
                type='DynamicMaskHead',
                num_convs=4,
                roi_feat_size=14,
                in_channels=256,
                conv_out_channels=256,
                norm_cfg=dict(type='BN'),
                dynamic_conv_cfg=dict(
                    dynamic_conv, input_feat_shape=14, with_proj=False
                ),
                loss_mask=dict(
                    type='DiceLoss',
                    use_sigmoid=True,
                    activate=False,  # the head gives probabilities
                    eps=1e-5,
                    loss_weight=8.0,
                ),
            ),
        ),
        criterion=dict(
            type='ClipRoICriterion',
            assigner=dict(
                type='ClipHungarianAssigner',
                match_costs=[
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='FocalLossCost', weight=2.0),
                    ),
                    dict(
                        type='FrameMeanCost', cost=dict(type='BBoxL1Cost', weight=5.0)
                    ),
                    dict(
                        type='FrameMeanCost',
                        cost=dict(type='IoUCost', iou_mode='giou', weight=2.0),
                    ),
                ],
            ),
        ),
    ),
    # Offline, as published: the head keeps its best ten, and all of them are rows. A
    # video too long for one clip is cut; there tracks are linked. Their scores are the
    # clips' own, so that they rank among those of videos that are one clip.
    test_cfg=dict(
        clip_len=None,
        score_thr=0.0,
        merger=dict(
            type='TrackClipMerger',
            prior_clips=0.0,
            weigh_masks=False,
            filter_only_clip=False,
        ),
    ),
)
