# The second stage of the small VidEoMT on ShapesVIS: longer clips, so that queries keep
# their objects for longer than two frames. It starts from videomt_small_shapes.py.
_base_ = 'videomt_small_shapes.py'

load_from = 'work_dirs/videomt_small_shapes/iter_2400.pth'
model = dict(backbone=dict(stem=dict(init_cfg=None)))
max_iters = 900
sample_clip = dict(type='SampleReferenceClip', clip_len=6, frame_range=8)
train_dataloader = dict(
    batch_size=3,
    dataset=dict(pipeline=[sample_clip, *_base_.train_pipeline[1:]]),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=30),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min_ratio=0.02, end=max_iters),
]
custom_hooks = []  # attention masks stay off, as the first stage ends
