"""Make the weights that a VisTR starts from out of a DETR trained on COCO."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import save_checkpoint

import mmvis.engine  # makes MMEngine write checkpoints atomically
import mmvis.models  # noqa: F401  (registers the models)
from mmvis.converters import convert_detr, read_tensors
from mmvis.registry import MODELS

EXAMPLES = """examples:
  # a DETR with hidden size 384, with or without its mask branch
  python tools/model_converters/detr_to_vistr.py detr_r50_384.pth start.pth
  tools/dist_train.sh configs/vistr_r50.py 8 --cfg-options load_from=start.pth
"""
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('src', help='checkpoint of DETR, .pth')
    parser.add_argument('dst', help='mmvis checkpoint to write, .pth')
    parser.add_argument(
        '--config', help='config that it is for (default: by the depth of its ResNet)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the weights that DETR does not have'
    )
    return parser.parse_args()


def main() -> None:
    """Convert one file."""
    args = parse_args()
    try:
        tensors = read_tensors(args.src)
        config = args.config
        if config is None:
            is_r101 = any('body.layer3.6.' in name for name in tensors)
            config = CONFIGS / ('vistr_r101.py' if is_r101 else 'vistr_r50.py')
        init_default_scope('mmvis')
        model_cfg = Config.fromfile(config).model
        model_cfg.backbone.init_cfg = None
        torch.manual_seed(args.seed)
        model = MODELS.build(model_cfg)
        weights, fresh = convert_detr(tensors, model.state_dict())
    except (KeyError, ValueError, FileNotFoundError) as error:
        sys.exit(f'{args.src}: {error.args[0]}')
    save_checkpoint(dict(state_dict=weights, meta=dict(source=args.src)), args.dst)
    print(f'Wrote {len(weights)} weights to {args.dst}, of which start anew:')
    print('\n'.join(f'  {name}' for name in fresh))


if __name__ == '__main__':
    main()
