# TeViT small enough to learn from scratch on a CPU in minutes: the thin ResNet-18 of
# ifc_small.py up to stride 8, messenger tokens in a neck, 64 channels, 16 queries, 3
# stages.
_base_ = 'tevit_r50.py'

num_classes = 5
num_stages = 3
# Boxes above 56 pixels, twice finest_scale, read the coarser level.
levels = dict(
    roi_layer=dict(sampling_ratio=1),
    out_channels=64,
    featmap_strides=[4, 8],
    finest_scale=28,
)
dynamic_conv = dict(in_channels=64, feat_channels=16, out_channels=64)
model = dict(
    type='FromScratchVISModel',
    data_preprocessor=dict(pad_size_divisor=8),
    backbone=dict(
        _delete_=True,
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
    neck=[
        dict(
            type='FromScratchMessengerTokenNeck',
            in_channels=[16, 64],
            embed_dims=64,
            num_messenger_tokens=4,
            num_layers=2,
            layer=dict(num_heads=4, feedforward_channels=256, dropout=0.0),
        ),
        dict(type='FPN', in_channels=[16, 64], out_channels=64, num_outs=2),
    ],
    head=dict(
        num_classes=num_classes,
        in_channels=[64, 64],
        rpn_head=dict(
            type='GridRPNHead',
            grid=(3, 5),
            num_proposals=15,
            box_size=(0.36, 0.56),
            proposal_feature_channel=64,
        ),
        roi_head=dict(
            num_stages=num_stages,
            stage_loss_weights=[1] * num_stages,
            proposal_feature_channel=64,
            bbox_roi_extractor=levels,
            mask_roi_extractor=levels,
            bbox_head=dict(
                type='FromScratchDIIHead',
                num_heads=4,
                feedforward_channels=256,
                in_channels=64,
                dynamic_conv_cfg=dynamic_conv,
            ),
            mask_head=dict(
                num_convs=2,
                in_channels=64,
                conv_out_channels=32,
                dynamic_conv_cfg=dynamic_conv,
            ),
        ),
    ),
    auxiliary_head=dict(
        type='SemanticHead',
        num_classes=num_classes,
        in_channels=[16, 64],
        loss_weight=20.0,
    ),
    # Near-online, with clips as in training: scores grow with a track's clips.
    test_cfg=dict(
        clip_len=2,
        clip_stride=1,
        score_thr=0.01,
        merger=dict(_delete_=True, type='TrackClipMerger'),
    ),
)
