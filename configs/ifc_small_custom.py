# The small IFC on your own annotated videos, from scratch, on a CPU. The backbone
# first, as for ShapesVIS:
#   python tools/train.py configs/ifc_small_custom_backbone.py --cfg-options \
#       train_dataloader.dataset.data_root=DIR model.head.num_classes=K
#   python tools/train.py configs/ifc_small_custom.py --cfg-options \
#       train_dataloader.dataset.data_root=DIR val_dataloader.dataset.data_root=DIR \
#       model.head.num_classes=K model.auxiliary_head.num_classes=K
_base_ = ['ifc_small_shapes.py', '_base_/pipelines/jittered_clips.py']

num_classes = 4
data_root = 'data/custom/'
pretrained_backbone = 'work_dirs/ifc_small_custom_backbone/iter_1000.pth'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=pretrained_backbone)),
    head=dict(num_classes=num_classes),
    auxiliary_head=dict(
        num_classes=num_classes, init_cfg=dict(checkpoint=pretrained_backbone)
    ),
)
max_iters = 3600  # more than without jitter, which slows learning down
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end=max_iters),
]
data_prefix = dict(img='JPEGImages/')
_load, _pack = _base_.train_pipeline[:3], _base_.train_pipeline[-1]
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=data_prefix,
        pipeline=[*_load, *_base_.jitter, _pack],
    )
)
val_dataloader = dict(dataset=dict(data_root=data_root, data_prefix=data_prefix))
test_dataloader = val_dataloader
