# VidEoMT, ViT-L, YouTube-VIS 2022, online.
_base_ = [
    '_base_/models/videomt_vit-l.py',
    '_base_/datasets/youtube_vis_2022_coco.py',
    '_base_/schedules/adamw_videomt_160k.py',
    '_base_/default_runtime.py',
]
