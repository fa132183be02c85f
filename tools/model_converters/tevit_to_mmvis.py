"""Convert a published checkpoint of TeViT, QueryInst or PVTv2 to mmvis."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvis.converters import (
    convert_pvt_v2,
    convert_tevit,
    is_pvt_v2,
    num_tevit_classes_of,
)
from mmvis.converters.command_line import (
    ConverterArgumentParser,
    convert_file,
    load_model_cfg,
)
from mmvis.registry import MODELS

EXAMPLES = """examples:
  # TeViT: the variant is read off the weights; the result is for tools/test.py
  python tools/model_converters/tevit_to_mmvis.py tevit_msgshift.pth tevit_mmvis.pth
  python tools/test.py configs/tevit_msgshift.py tevit_mmvis.pth

  # QueryInst on COCO, where a training starts:
  #   --cfg-options load_from=queryinst_mmvis.pth
  python tools/model_converters/tevit_to_mmvis.py queryinst_pvtv2-b1.pth \\
      queryinst_mmvis.pth

  # ImageNet weights of PVTv2, for a backbone:
  #   --cfg-options model.backbone.init_cfg.checkpoint=pvt_v2_b1_mmvis.pth
  #       model.backbone.convert_weights=False
  python tools/model_converters/tevit_to_mmvis.py pvt_v2_b1.pth pvt_v2_b1_mmvis.pth
"""
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ConverterArgumentParser(
        __doc__,
        EXAMPLES,
        src_help='published checkpoint, .pth',
        default_config='by its backbone',
    )
    return parser.parse_args()


def main() -> None:
    """Convert one file."""
    args = parse_args()
    convert_file(args.src, args.dst, lambda tensors: convert(tensors, args.config))


def convert(tensors: dict, config: str | None) -> dict:
    """Turn a checkpoint into the weights of a model, or of PVTv2 alone."""
    model_cfg = load_model_cfg(config or CONFIGS / config_for(tensors))
    if is_pvt_v2(tensors):
        backbone = MODELS.build(model_cfg.backbone)
        return convert_pvt_v2(tensors, backbone.state_dict())
    model_cfg.head.num_classes = num_tevit_classes_of(tensors)
    return convert_tevit(tensors, MODELS.build(model_cfg).state_dict())


def config_for(tensors: dict) -> str:
    """The config whose backbone the weights are of."""
    if is_pvt_v2(tensors):
        return 'queryinst_pvtv2-b1_coco.py'
    if 'backbone.msg_tokens' in tensors:
        return 'tevit_msgshift.py'
    if 'backbone.layers.0.0.projection.weight' in tensors:
        return 'queryinst_pvtv2-b1_coco.py'
    if 'backbone.patch_embed.projection.weight' in tensors:
        return 'tevit_swin-l_mst.py'
    return 'tevit_r50.py'


if __name__ == '__main__':
    main()
