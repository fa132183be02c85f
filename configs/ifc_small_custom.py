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
first_lesson = 'work_dirs/ifc_small_custom_backbone/iter_1000.pth'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=first_lesson)),
    head=dict(num_classes=num_classes),
    auxiliary_head=dict(
        num_classes=num_classes, init_cfg=dict(checkpoint=first_lesson)
    ),
)
data_prefix = dict(img='JPEGImages/')
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=data_prefix,
        pipeline={{_base_.jittered_pipeline}},
    )
)
val_dataloader = dict(dataset=dict(data_root=data_root, data_prefix=data_prefix))
test_dataloader = val_dataloader
