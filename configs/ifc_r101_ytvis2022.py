_base_ = [
    '_base_/models/ifc_r101.py',
    '_base_/datasets/youtube_vis_2022.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]
