# The small TeViT on your own annotated videos, from scratch, on a CPU. Commands are as
# in ifc_small_custom.py, whose backbone it starts from.
_base_ = ['tevit_small_shapes.py', '_base_/pipelines/jittered_clips.py']

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
