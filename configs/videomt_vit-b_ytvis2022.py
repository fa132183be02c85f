# VidEoMT, ViT-B, YouTube-VIS 2022, online.
# Not published with this size; trained as long as ViT-L.
_base_ = [
    '_base_/models/videomt_vit-b.py',
    '_base_/datasets/youtube_vis_2022_coco.py',
    '_base_/schedules/adamw_videomt_160k.py',
    '_base_/default_runtime.py',
]
