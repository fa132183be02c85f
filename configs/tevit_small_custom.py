# The small TeViT on your own annotated videos, from scratch, on a CPU. Commands are as
# in ifc_small_custom.py, whose backbone it starts from.
_base_ = ['tevit_small_shapes.py', '_base_/pipelines/jittered_clips.py']

num_classes = 4
first_lesson = 'work_dirs/ifc_small_custom_backbone/iter_1000.pth'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint=first_lesson)),
    head=dict(num_classes=num_classes),
    auxiliary_head=dict(
        num_classes=num_classes, init_cfg=dict(checkpoint=first_lesson)
    ),
)
data = dict(data_root='data/custom/', data_prefix=dict(img='JPEGImages/'))
train_dataloader = dict(
    dataset=dict(**data, pipeline={{_base_.jittered_pipeline}}),
)
val_dataloader = dict(dataset=data)
test_dataloader = val_dataloader
