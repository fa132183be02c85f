# VidEoMT, ViT-S, YouTube-VIS 2021, online.
# Not published with this size; trained as long as ViT-L.
_base_ = [
    '_base_/models/videomt_vit-s.py',
    '_base_/datasets/youtube_vis_2021_coco.py',
    '_base_/schedules/adamw_videomt_160k.py',
    '_base_/default_runtime.py',
]
