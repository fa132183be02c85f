"""Time and peak memory of VisTR's forward pass and training step, by attention.

Measures the same weights on the same clip with the memory-efficient attention of mmvis
("efficient") and with plain attention, which stores all attention weights. Each case
runs in a separate process, so that peak memory is measured per case. Without dropout,
the results of both are compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from benchmark_inference import peak_memory

if TYPE_CHECKING:
    import torch
    from mmdet.structures import TrackDataSample

CASES = ('efficient', 'plain')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file of a VisTR')
    parser.add_argument(
        '--steps',
        nargs='+',
        choices=('forward', 'train'),
        default=['forward', 'train'],
        help='what to measure',
    )
    parser.add_argument(
        '--cases', nargs='+', choices=CASES, default=CASES, help='kinds of attention'
    )
    parser.add_argument('--clip-len', type=int, default=36, help='frames of the clip')
    parser.add_argument(
        '--size', type=int, nargs=2, default=[300, 540], help='height and width, pixels'
    )
    parser.add_argument('--num-gts', type=int, default=5, help='instances in the clip')
    parser.add_argument(
        '--recompute',
        action='store_true',
        help='recompute activations',
    )
    parser.add_argument('--dropout', type=float, help="instead of the config's, e.g. 0")
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads')
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--measure', help=argparse.SUPPRESS)  # one case, this process
    return parser.parse_args()


def build_model(args: argparse.Namespace) -> torch.nn.Module:
    """The config's model with random weights, the same in every process."""
    import torch

    from mmvis.apis import init_model

    torch.manual_seed(0)
    options = {
        'model.backbone.init_cfg': None,
        'model.head.clip_len': args.clip_len,
        'model.test_cfg.clip_len': args.clip_len,
        'model.test_cfg.clip_stride': 1,
    }
    for part in ('backbone', 'neck', 'head'):
        options[f'model.{part}.with_cp'] = args.recompute
    if args.dropout is not None:
        for part in ('neck', 'head.decoder'):
            options[f'model.{part}.layer.dropout'] = args.dropout
    return init_model(args.config, device=args.device, cfg_options=options)


def make_clip(args: argparse.Namespace) -> tuple[torch.Tensor, TrackDataSample]:
    """Normalised frames (1, T, 3, H, W) and instances that are squares."""
    import torch
    from mmdet.structures import DetDataSample, TrackDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    (h, w), T, N = args.size, args.clip_len, args.num_gts
    generator = torch.Generator().manual_seed(1)
    clip = torch.randn(1, T, 3, h, w, generator=generator).to(args.device)
    sample = TrackDataSample()
    frames = [
        DetDataSample(metainfo=dict(img_shape=(h, w), batch_input_shape=(h, w)))
        for _ in range(T)
    ]
    side = min(h, w) // 4
    starts = [n * (min(h, w) - side) // max(N, 1) for n in range(N)]
    bboxes = torch.tensor([[s, s, s + side, s + side] for s in starts]).float()
    masks = torch.zeros(N, h, w, dtype=torch.uint8)
    for mask, s in zip(masks, starts):
        mask[s : s + side, s : s + side] = 1
    for frame in frames:
        frame.gt_instances = InstanceData(
            labels=torch.arange(N) % 5,
            bboxes=bboxes,
            masks=BitmapMasks(masks.numpy(), h, w),
            visible=torch.ones(N, dtype=torch.bool),
        )
    sample.video_data_samples = frames
    return clip, sample


def run_step(
    model: torch.nn.Module, clip: torch.Tensor, sample: TrackDataSample, step: str
) -> float:
    """One forward pass or training step; returns a number to compare results."""
    import torch

    if step == 'forward':
        model.eval()
        with torch.no_grad():
            return model(clip)['mask_logits'].double().abs().mean().item()
    model.train()
    torch.manual_seed(2)
    loss = sum(model(clip, [sample], mode='loss').values())
    loss.backward()
    norms = [p.grad.norm() for p in model.parameters() if p.grad is not None]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    optimizer.step()
    return loss.item() + torch.stack(norms).norm().item()


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Run one case in this process: seconds, CPU seconds, peak memory in MB."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from mmvis import memory_limits

    case, step = args.measure.split('/')
    torch.set_num_threads(args.threads)
    model = build_model(args)
    clip, sample = make_clip(args)
    if case == 'plain':
        memory_limits.ATTENTION_WEIGHTS_AT_ONCE = sys.maxsize
    kernels = sdpa_kernel(SDPBackend.MATH) if case == 'plain' else nullcontext()
    kind = torch.device(args.device).type
    dtype = torch.float16 if kind == 'cuda' else torch.bfloat16
    built = peak_memory(torch.device(args.device))
    begin, cpu_begin = time.perf_counter(), time.process_time()
    with kernels, torch.autocast(kind, dtype, enabled=args.amp):
        value = run_step(model, clip, sample, step)
    return dict(
        seconds=time.perf_counter() - begin,
        cpu_seconds=time.process_time() - cpu_begin,
        peak=peak_memory(torch.device(args.device)),
        built=built,
        value=value,
    )


def run_case(case: str, step: str) -> dict[str, float] | None:
    """Measure in a separate process; None if it ran out of memory."""
    command = [sys.executable, *sys.argv, '--measure', f'{case}/{step}']
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        return None
    return json.loads(result.stdout.splitlines()[-1])


def check_equal(step: str, results: dict[str, dict]) -> None:
    """Compare the results of the kinds of attention."""
    efficient, plain = (results[case]['value'] for case in CASES)
    difference = abs(efficient - plain) / abs(plain)
    print(f'{step}: relative difference of the results {difference:.1e}')
    if difference > 1e-3:
        sys.exit('The two kinds of attention do not compute the same.')


def main() -> None:
    """Run all cases and print a table."""
    args = parse_args()
    if args.measure:
        print(json.dumps(measure(args)))
        return
    h, w = args.size
    print(
        f'{args.config}: T={args.clip_len}, {h}x{w}, {args.device}, {args.threads} '
        f'thread(s), recompute={args.recompute}, amp={args.amp}'
    )
    for step in args.steps:
        results = {}
        for case in args.cases:
            result = run_case(case, step)
            if result is None:
                print(f'{step}, {case}: failed, out of memory unless it says otherwise')
                continue
            results[case] = result
            print(
                f'{step}, {case}: {result["seconds"]:.1f} s '
                f'(CPU time {result["cpu_seconds"]:.1f} s), peak memory '
                f'{result["peak"]:.0f} MB, {result["built"]:.0f} MB before'
            )
        # Dropout draws other numbers in each kind.
        is_random = step == 'train' and args.dropout != 0
        if len(results) == len(CASES) and not is_random and not args.amp:
            check_equal(step, results)


if __name__ == '__main__':
    main()
