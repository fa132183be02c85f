# The small IFC on your own annotated videos, on a CPU; see tevit_lite0_custom.py.
_base_ = [
    '_base_/models/ifc_lite.py',
    '_base_/datasets/whole_frames.py',
    '_base_/schedules/adamw_minutes.py',
    '_base_/default_runtime.py',
]

default_hooks = dict(
    logger=dict(interval=100), checkpoint=dict(interval=400, max_keep_ckpts=2)
)
