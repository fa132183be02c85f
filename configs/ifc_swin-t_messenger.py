# IFC with Swin-T, and messenger tokens in place of memory tokens, YouTube-VIS 2019: a
# model composed of parts, see docs/compose.md. Not published.
_base_ = [
    '_base_/backbones/swin_t.py',
    '_base_/necks/messenger_tokens.py',
    '_base_/heads/ifc.py',
    '_base_/datasets/youtube_vis_2019.py',
    '_base_/schedules/adamw_6k.py',
    '_base_/default_runtime.py',
]

model = dict(
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=[_base_.mapper, *_base_.token_neck, *_base_.head_neck],
)
