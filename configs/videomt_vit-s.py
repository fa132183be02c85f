# VidEoMT, ViT-S, YouTube-VIS 2019, online. Training starts from a segmenter:
# --cfg-options load_from=<checkpoint of eomt_vit-s_coco.py, or a published one>
_base_ = [
    '_base_/models/videomt_vit-s.py',
    '_base_/datasets/youtube_vis_2019_coco.py',
    '_base_/schedules/adamw_videomt.py',
    '_base_/default_runtime.py',
]
