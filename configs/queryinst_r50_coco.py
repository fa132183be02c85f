# QueryInst on COCO, where tevit_r50.py starts: images as clips of one frame.
_base_ = [
    '_base_/models/tevit_r50.py',
    '_base_/datasets/coco_clip.py',
    '_base_/pipelines/key_frame_clips.py',
    '_base_/schedules/adamw_coco_3x.py',
    '_base_/default_runtime.py',
]

model = dict(
    head=dict(num_classes=80, roi_head=dict(bbox_head=dict(temporal_attention=False))),
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        filter_cfg=dict(filter_empty_gt=True), pipeline={{_base_.image_pipeline}}
    ),
)
default_hooks = dict(checkpoint=dict(interval=10000))
