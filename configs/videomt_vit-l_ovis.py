# VidEoMT, ViT-L, OVIS, online.
_base_ = [
    '_base_/models/videomt_vit-l.py',
    '_base_/datasets/ovis_coco.py',
    '_base_/schedules/adamw_videomt_160k.py',
    '_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=25))
