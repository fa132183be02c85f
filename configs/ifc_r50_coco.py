# COCO stage of IFC: images as clips of one frame, 300 epochs of 32 images.
_base_ = [
    '_base_/models/ifc_r50.py',
    '_base_/datasets/coco_clip.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=80))
train_cfg = dict(max_iters=1108800)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=False, milestones=[739200], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=32)
default_hooks = dict(checkpoint=dict(interval=10000))
