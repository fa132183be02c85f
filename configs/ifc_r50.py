# IFC, ResNet-50, YouTube-VIS 2019, near-online with T=5. The published numbers start
# from the COCO stage: --cfg-options load_from=<checkpoint of ifc_r50_coco.py>
_base_ = [
    '_base_/models/ifc_r50.py',
    '_base_/datasets/youtube_vis_2019.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]
