# QueryInst's on COCO: 36 epochs of 16 images, learning rate x0.1 after 27 and 33. The
# values are those of MMDetection 2's queryinst_r50_fpn_mstrain_480-800_3x_coco, which
# made its published weights; the config of MMDetection 3 warms up for 500 iterations.
# How the QueryInst with PVTv2 was trained, where TeViT starts, is not published.
_base_ = 'adamw_9k.py'

optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(max_iters=263880)
param_scheduler = [
    # Full after 1,000 iterations; MMEngine counts both ends.
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=1001),
    dict(type='MultiStepLR', by_epoch=False, milestones=[197910, 241890], gamma=0.1),
]
