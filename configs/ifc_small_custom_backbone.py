# Pre-training of the backbone of ifc_small_custom.py, see there.
_base_ = ['ifc_small_shapes_backbone.py', '_base_/pipelines/jittered_clips.py']

data_root = 'data/custom/'
model = dict(head=dict(num_classes=4))
_load, _pack = _base_.train_pipeline[:3], _base_.train_pipeline[-1]
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img='JPEGImages/'),
        pipeline=[*_load, *_base_.jitter, _pack],
    )
)
