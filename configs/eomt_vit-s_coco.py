# EoMT, ViT-S, on COCO: the segmenter that videomt_vit-s.py starts from. It starts from
# DINOv2 with registers, converted by tools/model_converters/videomt_to_mmvis.py:
# --cfg-options load_from=<dinov2_vits14_reg4_pretrain.pth, converted>
_base_ = [
    '_base_/models/videomt_vit-s.py',
    '_base_/datasets/coco_clip.py',
    '_base_/pipelines/scale_jitter.py',
    '_base_/schedules/adamw_eomt.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(pad_size_divisor=640),
    head=dict(num_classes=80, propagation=None),
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        filter_cfg=dict(filter_empty_gt=True), pipeline=_base_.scale_jitter_pipeline
    ),
)
default_hooks = dict(
    checkpoint=dict(interval=7391),
    # What DINOv2 does not have.
    strict_load=dict(
        new_parameters=[
            r'head\.(query_feat|class_embed|mask_embed|upscaler)\..*',
            r'head\.attn_mask_probs',
        ]
    ),
)
