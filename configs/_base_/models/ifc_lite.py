# IFC on EfficientNet-Lite, for a training on a CPU in minutes; otherwise ifc_small.py.
_base_ = ['ifc_small.py', '../backbones/efficientnet_lite0.py']

num_classes = None  # those of the data
model = dict(
    data_preprocessor=_base_.pixels,
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=dict(in_channels='$channels'),
    head=dict(
        num_classes='$num_classes',
        in_channels=['$channels.0', '$channels.1', 64],
        num_levels=3,
    ),
    auxiliary_head=None,  # the backbone is pre-trained
)
