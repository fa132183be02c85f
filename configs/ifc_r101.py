# IFC, ResNet-101, YouTube-VIS 2019, near-online with T=5; see ifc_r50.py.
_base_ = [
    '_base_/models/ifc_r101.py',
    '_base_/datasets/youtube_vis_2019.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]
