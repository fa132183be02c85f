"""Convert a published VisTR checkpoint to mmvis."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import save_checkpoint

import mmvis.engine  # makes MMEngine write checkpoints atomically
import mmvis.models  # noqa: F401  (registers the models)
from mmvis.converters import convert_vistr, read_tensors, vistr_shape_of
from mmvis.registry import MODELS

EXAMPLES = """examples:
  # the variant is read off the weights; the result is for configs/vistr_r50.py
  python tools/model_converters/vistr_to_mmvis.py vistr_r50.pth vistr_r50_mmvis.pth
  python tools/test.py configs/vistr_r50.py vistr_r50_mmvis.pth
"""
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('src', help='published checkpoint, .pth')
    parser.add_argument('dst', help='mmvis checkpoint to write, .pth')
    parser.add_argument(
        '--config', help='config that it is for (default: by the depth of its ResNet)'
    )
    return parser.parse_args()


def main() -> None:
    """Convert one file."""
    args = parse_args()
    try:
        tensors = read_tensors(args.src)
        model_cfg = load_model_cfg(args.config, tensors)
        model = MODELS.build(model_cfg)
        weights = convert_vistr(tensors, model.state_dict())
    except (KeyError, ValueError, FileNotFoundError) as error:
        sys.exit(f'{args.src}: {error.args[0]}')
    save_checkpoint(dict(state_dict=weights, meta=dict(source=args.src)), args.dst)
    print(f'Wrote {len(weights)} weights to {args.dst}')


def load_model_cfg(config: str | None, tensors: dict) -> dict:
    """Config of the model that the weights are for, without pretrained weights."""
    shape = vistr_shape_of(tensors)
    if config is None:
        is_r101 = 'vistr.backbone.0.body.layer3.6.conv1.weight' in tensors
        config = CONFIGS / ('vistr_r101.py' if is_r101 else 'vistr_r50.py')
    init_default_scope('mmvis')
    model_cfg = Config.fromfile(config).model
    model_cfg.backbone.init_cfg = None
    head = model_cfg.head
    head.num_classes = shape['num_classes']
    if shape['num_queries'] % head.num_instances:
        raise ValueError(
            f'The checkpoint has {shape["num_queries"]} queries, no multiple of the '
            f'{head.num_instances} instances of {config}. Set head.num_instances in a '
            'config of your own and name it with --config.'
        )
    clip_len = shape['num_queries'] // head.num_instances
    if clip_len != head.clip_len:
        print(
            f'The checkpoint is for clips of {clip_len} frames: set '
            'model.head.clip_len and model.test_cfg.clip_len, and '
            'model.test_cfg.clip_stride to no more.'
        )
    head.clip_len = clip_len
    # Of the model only the names and shapes of its weights are needed.
    model_cfg.test_cfg = dict(clip_len=clip_len)
    return model_cfg


if __name__ == '__main__':
    main()
