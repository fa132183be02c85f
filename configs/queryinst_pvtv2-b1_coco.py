# QueryInst on COCO, where tevit_msgshift.py starts: PVTv2 without messenger
# tokens.
_base_ = [
    '_base_/models/tevit_msgshift.py',
    '_base_/datasets/coco_clip.py',
    '_base_/pipelines/key_frame_clips.py',
    '_base_/schedules/adamw_coco_3x.py',
    '_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='PyramidVisionTransformerV2',
        embed_dims=64,
        num_layers=(2, 2, 2, 2),
        drop_path_rate=0.1,
        convert_weights=True,  # from the names of PVT's own repository
        init_cfg={{_base_.model.backbone.init_cfg}},
    ),
    head=dict(num_classes=80, roi_head=dict(bbox_head=dict(temporal_attention=False))),
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        filter_cfg=dict(filter_empty_gt=True), pipeline={{_base_.image_pipeline}}
    ),
)
default_hooks = dict(checkpoint=dict(interval=10000))
