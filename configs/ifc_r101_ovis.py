_base_ = ['ifc_r101.py', '_base_/datasets/ovis.py']

model = dict(head=dict(num_classes=25))
