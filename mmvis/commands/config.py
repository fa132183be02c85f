"""Print a config with its base files merged; count parameters and operations."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config

from mmvis.engine.command_line import ToolArgumentParser, positive_int
from mmvis.engine.user_errors import user_errors
from mmvis.zoo import find_config

__all__ = ['main']

EXAMPLES = """examples:
  the whole config, as it is used:
    mmvis config ifc_r50
  parameters, and floating-point operations of a clip of 5 frames of 360 x 640:
    mmvis config ifc_r50 --complexity --frames 5 --size 360 640

Operations are multiply-adds of convolutions, matrix products and attention.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Print a config.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('config', help='config file, or the name of a shipped one')
    parser.add_cfg_options('model.head.num_classes=3')
    parser.add_argument(
        '--complexity',
        action='store_true',
        help='count parameters and operations instead',
    )
    parser.add_argument(
        '--frames', type=positive_int, default=5, help='frames of the clip (default: 5)'
    )
    parser.add_argument(
        '--size',
        type=positive_int,
        nargs=2,
        default=(360, 640),
        metavar=('H', 'W'),
        help='size of the frames in pixels (default: 360 640)',
    )
    options = parser.parse_args(args)
    with user_errors(options.config):
        cfg = _read(options.config, options.cfg_options)
        if options.complexity:
            print(describe_complexity(cfg, options.frames, options.size))
        else:
            print(cfg.pretty_text)


def _read(name: str, cfg_options: dict | None) -> Config:
    from mmvis.engine.run_config import merge_options, read_config

    cfg = read_config(find_config(name))
    merge_options(cfg, cfg_options)
    return cfg


def describe_complexity(cfg: Config, num_frames: int, size: Sequence[int]) -> str:
    """Count what one clip takes.

    Args:
        cfg (Config): Config of the model.
        num_frames (int): T.
        size (Sequence[int]): Height and width of the frames in pixels.

    Returns:
        str: Parameters and multiply-adds, in all and by part of the model.
    """
    import torch

    from mmvis.apis import init_model
    from mmvis.benchmarks.multiply_adds import count_multiply_adds

    model = init_model(cfg)
    height, width = size
    operations = count_multiply_adds(
        model, torch.zeros(1, num_frames, 3, height, width)
    )
    lines = [f'clip of {num_frames} frames of {height} x {width} pixels']
    for name, part in (('in all', model), *model.named_children()):
        parameters = sum(p.numel() for p in part.parameters())
        num = operations['' if part is model else name]
        if parameters or num:
            lines.append(
                f'  {name:<12} {parameters / 1e6:8.2f} M parameters '
                f'{num / 1e9:10.2f} G multiply-adds'
            )
    return '\n'.join(lines)
