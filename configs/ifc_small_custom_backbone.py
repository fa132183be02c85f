# First lesson of ifc_small_custom.py, see there.
_base_ = ['ifc_small_shapes_backbone.py', '_base_/pipelines/jittered_clips.py']

data_root = 'data/custom/'
model = dict(head=dict(num_classes=4))
_sample = dict(type='SampleReferenceClip', clip_len=1, frame_range=1)
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img='JPEGImages/'),
        pipeline=[_sample, *_base_.jittered_pipeline[1:]],
    )
)
