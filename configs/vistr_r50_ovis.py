_base_ = [
    '_base_/models/vistr_r50.py',
    '_base_/datasets/ovis.py',
    '_base_/pipelines/wrapped_clips.py',
    '_base_/schedules/adamw_vistr.py',
    '_base_/default_runtime.py',
]

# OVIS has more objects per clip.
model = dict(head=dict(num_classes=25, num_instances=20))
train_dataloader = dict(
    batch_size=1,
    sampler=dict(once_per='frame'),
    dataset=dict(pipeline={{_base_.wrapped_pipeline}}),
)
test_dataloader = dict(dataset=dict(pipeline={{_base_.side_300_test_pipeline}}))
