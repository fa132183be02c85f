# VidEoMT's for the other data sets, published for ViT-L.
_base_ = 'adamw_videomt.py'

max_iters = 160000
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(
        type='TwoStageWarmupPolyLR',
        by_epoch=False,
        warmups=(500, 1000),
        power=0.9,
        end=max_iters,
    ),
]
