# TeViT on EfficientNet-Lite, for a training on a CPU in minutes: messenger tokens in a
# neck, 96 channels, 15 queries, 3 stages. Masks are made in boxes larger than those of
# the objects, and clips are longer at test than in training.
_base_ = ['tevit_small.py', '../backbones/efficientnet_lite0.py']

num_classes = None  # those of the data
embed_dims = 96
levels = dict(out_channels=embed_dims, featmap_strides=[4, 8, 16])
dynamic_conv = dict(in_channels=embed_dims, feat_channels=24, out_channels=embed_dims)
model = dict(
    data_preprocessor=_base_.pixels,
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=[
        dict(
            type='FromScratchMessengerTokenNeck',
            in_channels='$channels',
            embed_dims=embed_dims,
            num_messenger_tokens=4,
            num_layers=2,
            layer=dict(num_heads=4, feedforward_channels=256, dropout=0.0),
        ),
        dict(
            type='FPN',
            in_channels=['$channels.0', '$channels.1', embed_dims],
            out_channels=embed_dims,
            num_outs=3,
        ),
    ],
    head=dict(
        type='FromScratchSTQIHead',
        num_classes='$num_classes',
        in_channels=[embed_dims] * 3,
        mask_box_scale=1.3,
        rpn_head=dict(proposal_feature_channel=embed_dims),
        roi_head=dict(
            proposal_feature_channel=embed_dims,
            bbox_roi_extractor=levels,
            # Masks read a level finer than boxes.
            mask_roi_extractor=dict(levels, finest_scale=56),
            bbox_head=dict(in_channels=embed_dims, dynamic_conv_cfg=dynamic_conv),
            mask_head=dict(
                in_channels=embed_dims,
                conv_out_channels=64,
                dynamic_conv_cfg=dynamic_conv,
            ),
        ),
    ),
    auxiliary_head=None,  # the backbone is pre-trained
    test_cfg=dict(clip_len=3),
)
