# IFC's head on four levels of 256 channels; masks at stride 4.
_base_ = '../models/ifc_r50.py'

model = dict(head=dict(in_channels=[256, 256, 256, 256], num_levels=4))
head_neck = []
