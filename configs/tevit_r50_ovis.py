_base_ = [
    '_base_/models/tevit_r50.py',
    '_base_/datasets/ovis.py',
    '_base_/pipelines/key_frame_clips.py',
    '_base_/schedules/adamw_9k.py',
    '_base_/default_runtime.py',
]

load_from = 'zoo://queryinst_r50_coco'
model = dict(head=dict(num_classes=25))
train_dataloader = dict(
    sampler=dict(once_per='annotated_frame'),
    dataset=dict(pipeline={{_base_.range_pipeline}}),
)
test_dataloader = dict(dataset=dict(pipeline={{_base_.small_test_pipeline}}))
