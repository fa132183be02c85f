_base_ = [
    '_base_/models/vistr_r50.py',
    '_base_/datasets/youtube_vis_2022.py',
    '_base_/pipelines/wrapped_clips.py',
    '_base_/schedules/adamw_vistr.py',
    '_base_/default_runtime.py',
]

train_dataloader = dict(
    batch_size=1,
    sampler=dict(once_per='frame'),
    dataset=dict(pipeline={{_base_.wrapped_pipeline}}),
)
test_dataloader = dict(dataset=dict(pipeline={{_base_.side_300_test_pipeline}}))
