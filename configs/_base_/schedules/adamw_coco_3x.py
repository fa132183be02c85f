# QueryInst's on COCO: 36 epochs of 16 images, learning rate x0.1 after 27 and 33.
_base_ = 'adamw_9k.py'

optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(max_iters=263880)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[197910, 241890], gamma=0.1),
]
