# TeViT, ResNet-50, YouTube-VIS 2019, offline. Starts from the published QueryInst
# on COCO; from another one with --cfg-options load_from=<checkpoint>
_base_ = [
    '_base_/models/tevit_r50.py',
    '_base_/datasets/youtube_vis_2019.py',
    '_base_/pipelines/key_frame_clips.py',
    '_base_/schedules/adamw_9k.py',
    '_base_/default_runtime.py',
]

load_from = 'zoo://queryinst_r50_coco'
train_dataloader = dict(
    sampler=dict(once_per='annotated_frame'),
    dataset=dict(pipeline={{_base_.range_pipeline}}),
)
test_dataloader = dict(dataset=dict(pipeline={{_base_.small_test_pipeline}}))
