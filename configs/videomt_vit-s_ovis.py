# VidEoMT, ViT-S, OVIS, online.
# Not published with this size; trained as long as ViT-L.
_base_ = [
    '_base_/models/videomt_vit-s.py',
    '_base_/datasets/ovis_coco.py',
    '_base_/schedules/adamw_videomt_160k.py',
    '_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=25))
