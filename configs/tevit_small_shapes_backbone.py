# First lesson of tevit_small_shapes.py: that of IFC's small backbone, 2.5 times as
# long, since a head that looks into boxes depends on it more.
_base_ = 'ifc_small_shapes_backbone.py'

max_iters = 2500
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end=max_iters),
]
