# QueryInst on COCO, where tevit_swin-l_mst.py starts: images as clips of one frame.
# Recipe of hustvl/QueryInst, queryinst_swin_large_patch4_window7_fpn_300_proposals_
# crop_mstrain_400-1200_50e_coco. It names no ImageNet weights; those of the model file,
# Microsoft's of ImageNet-22K, are our choice, as are crops that show an instance.
_base_ = [
    '_base_/models/tevit_swin-l.py',
    '_base_/datasets/coco_clip.py',
    '_base_/pipelines/key_frame_clips.py',
    '_base_/schedules/adamw_coco_50e.py',
    '_base_/default_runtime.py',
]

model = dict(
    backbone=dict(drop_path_rate=0.3),
    head=dict(num_classes=80, roi_head=dict(bbox_head=dict(temporal_attention=False))),
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        filter_cfg=dict(filter_empty_gt=True), pipeline={{_base_.wide_image_pipeline}}
    ),
)
default_hooks = dict(checkpoint=dict(interval=10000))
