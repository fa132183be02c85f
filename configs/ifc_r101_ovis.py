_base_ = [
    '_base_/models/ifc_r101.py',
    '_base_/datasets/ovis.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=25))
