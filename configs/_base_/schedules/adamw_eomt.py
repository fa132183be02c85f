# EoMT's on COCO: 12 passes of 7,391 iterations of 16 images (8 GPUs x 2); 0.8 times the
# learning rate with each block towards the input.
_base_ = 'adamw_videomt.py'

max_iters = 88692
optim_wrapper = dict(paramwise_cfg=dict(block_decay=0.8))
train_cfg = dict(max_iters=max_iters, val_interval=7391)
param_scheduler = [
    dict(
        type='TwoStageWarmupPolyLR',
        by_epoch=False,
        warmups=(500, 1000),
        power=0.9,
        end=max_iters,
    ),
]
auto_scale_lr = dict(base_batch_size=16)
