_base_ = [
    '_base_/models/tevit_swin-l.py',
    '_base_/datasets/youtube_vis_2022.py',
    '_base_/pipelines/key_frame_clips.py',
    '_base_/schedules/adamw_9k_swin.py',
    '_base_/default_runtime.py',
]

load_from = 'zoo://queryinst_swin-l_coco'
train_dataloader = dict(
    sampler=dict(once_per='annotated_frame'),
    dataset=dict(pipeline={{_base_.wide_choice_pipeline}}),
)
test_dataloader = dict(dataset=dict(pipeline={{_base_.large_test_pipeline}}))
