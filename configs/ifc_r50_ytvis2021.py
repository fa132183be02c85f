_base_ = [
    '_base_/models/ifc_r50.py',
    '_base_/datasets/youtube_vis_2021.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]
