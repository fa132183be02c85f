"""Convert checkpoints of IFC to mmvis and back."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvis.converters import convert_ifc, export_ifc, num_classes_of
from mmvis.converters.convert_file import convert_file, load_model_cfg
from mmvis.engine.command_line import ConverterArgumentParser
from mmvis.registry import MODELS

EXAMPLES = """examples:
  # the variant is read off the weights; the result is for configs/ifc_r50.py
  python tools/model_converters/ifc_to_mmvis.py ifc_r50.pth ifc_r50_mmvis.pth
  python tools/test.py configs/ifc_r50.py ifc_r50_mmvis.pth

  # an IFC that mmvis has trained, in the names of the original
  python tools/model_converters/ifc_to_mmvis.py --reverse iter_6000.pth ifc.pth
"""
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ConverterArgumentParser(
        __doc__,
        examples=EXAMPLES,
        src_help='published checkpoint',
        default_config='by the depth of its ResNet',
    )
    return parser.parse_args()


def main() -> None:
    """Convert one file."""
    args = parse_args()
    if args.reverse:
        convert_file(args.src, args.dst, export_ifc, key='model')
    else:
        convert_file(args.src, args.dst, lambda tensors: convert(tensors, args.config))


def convert(tensors: dict, config: str | None) -> dict:
    """Turn a checkpoint into the weights of a model."""
    if config is None:
        is_r101 = any('.res4.6.' in name for name in tensors)
        config = CONFIGS / ('ifc_r101.py' if is_r101 else 'ifc_r50.py')
    model_cfg = load_model_cfg(config)
    model_cfg.head.num_classes = num_classes_of(tensors)
    return convert_ifc(tensors, MODELS.build(model_cfg).state_dict())


if __name__ == '__main__':
    main()
