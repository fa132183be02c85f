_base_ = '../../../../../configs/_base_/heads/stqi.py'
dynamic_conv = dict(in_channels=16, feat_channels=8, out_channels=16)
model = dict(
    head=dict(
        num_classes=3,
        in_channels=[16, 16, 16, 16],
        rpn_head=dict(num_proposals=5, proposal_feature_channel=16),
        roi_head=dict(
            num_stages=2,
            stage_loss_weights=[1, 1],
            proposal_feature_channel=16,
            bbox_roi_extractor=dict(out_channels=16),
            mask_roi_extractor=dict(out_channels=16),
            bbox_head=dict(
                num_heads=2,
                feedforward_channels=32,
                in_channels=16,
                dynamic_conv_cfg=dynamic_conv,
            ),
            mask_head=dict(
                in_channels=16, conv_out_channels=16, dynamic_conv_cfg=dynamic_conv
            ),
        ),
    ),
    test_cfg=dict(clip_len=3),
)
head_neck = [dict(type='FPN', in_channels=[16] * 4, out_channels=16, num_outs=4)]
