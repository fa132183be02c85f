# VisTR, ResNet-101, YouTube-VIS 2019, clips of 36 frames. The published numbers start
# from a DETR, see docs/training.md: --cfg-options load_from=<converted DETR>
_base_ = [
    '_base_/models/vistr_r101.py',
    '_base_/datasets/youtube_vis_2019.py',
    '_base_/pipelines/wrapped_clips.py',
    '_base_/schedules/adamw_vistr.py',
    '_base_/default_runtime.py',
]

train_dataloader = dict(
    batch_size=1,
    sampler=dict(once_per='frame'),
    dataset=dict(pipeline={{_base_.small_wrapped_pipeline}}),
)
test_dataloader = dict(dataset=dict(pipeline={{_base_.side_300_test_pipeline}}))
