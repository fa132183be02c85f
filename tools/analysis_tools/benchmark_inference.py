"""Time and peak memory of a model's forward pass on one clip."""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from typing import TYPE_CHECKING

from mmvis.engine.command_line import ToolArgumentParser

if TYPE_CHECKING:
    import torch

MEGABYTE = 2**20


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', nargs='?', help='its weights (default: random)')
    parser.add_argument('--clip-len', type=int, default=5, help='frames of the clip')
    parser.add_argument(
        '--size', type=int, nargs=2, default=[360, 640], help='height and width, pixels'
    )
    parser.add_argument('--repeats', type=int, default=10, help='timed passes')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads')
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument(
        '--fast', action='store_true', help='rewrite the network for inference'
    )
    parser.add_cfg_options('model.test_cfg.clip_stride=3')
    return parser.parse_args()


def peak_memory(device: torch.device) -> float:
    """Peak memory so far in MB: allocated on a GPU, resident of the process else."""
    import torch

    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / MEGABYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_forward(
    model: torch.nn.Module, clip: torch.Tensor, repeats: int
) -> tuple[list[float], list[float]]:
    """Time passes of a model, after one to warm up.

    Args:
        model (Module): Called as ``model(clip, mode='tensor')``.
        clip (Tensor): Normalised frames, shape (1, T, 3, H, W).
        repeats (int): Timed passes.

    Returns:
        tuple[list[float], list[float]]: Seconds of each pass, and seconds that the
        CPU worked on it, which other processes on the machine do not lengthen.
    """
    import torch

    seconds, cpu_seconds = [], []
    for _ in range(repeats + 1):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        with torch.no_grad():
            model(clip, mode='tensor')
        if clip.is_cuda:
            torch.cuda.synchronize(clip.device)
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu_begin)
    return seconds[1:], cpu_seconds[1:]


def main() -> None:
    """Build, run, report."""
    args = parse_args()

    import torch

    from mmvis.apis import init_model

    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    model = init_model(
        args.config,
        args.checkpoint,
        device=args.device,
        cfg_options=args.cfg_options,
        fast=args.fast,
    )
    torch.manual_seed(0)
    clip = torch.randn(1, args.clip_len, 3, *args.size, device=device)
    built = peak_memory(device)
    seconds, cpu_seconds = time_forward(model, clip, args.repeats)
    h, w = args.size
    print(
        f'{args.config}: T={args.clip_len}, {h}x{w}, {args.device}, '
        f'{args.threads} thread(s)\n'
        f'forward: median {statistics.median(seconds):.3f} s, '
        f'{min(seconds):.3f} to {max(seconds):.3f} s in {args.repeats} passes, '
        f'{args.clip_len / statistics.median(seconds):.2f} frames/s; '
        f'CPU time: median {statistics.median(cpu_seconds):.3f} s\n'
        f'peak memory: {peak_memory(device):.0f} MB, '
        f'{built:.0f} MB before the first pass'
    )


if __name__ == '__main__':
    main()
