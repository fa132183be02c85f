# On a part of train held out, since valid has no annotations; see
# tools/dataset_converters/split_ytvis.py.
_base_ = [
    '_base_/models/ifc_r50.py',
    '_base_/datasets/youtube_vis_2019_split.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]
