"""Measure an older commit and this checkout in turn: speed, memory, and equal outputs.

Every case runs in a process of its own, on one thread, with the same weights and the
same input in both. Processes of the two alternate, so that what else the machine does
touches both. A figure is the median of all passes, with the lowest and the highest.
Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EPILOG = """
examples:
  everything, against the commit before the work on speed (15 to 40 minutes):
    python tools/analysis_tools/compare_commits.py f928fe3 --out work_dirs/compare
  two cases, six passes of each, also of the fast mode:
    python tools/analysis_tools/compare_commits.py f928fe3 --cases ifc-t5 tevit-t5 \\
        --rounds 6 --fast

The first pass of a process warms it up and is not counted. Memory is the peak of the
resident memory of a pass above what was held when it began. Factors are those of the
older commit over the row. The last column is the largest difference between the means
of the absolute values of an output, as a share of them. The older commit must have
mmvis.apis.init_model. Training and evaluation have no fast mode.
"""


def main() -> None:
    """Run one case as a worker, or all cases of both commits in workers."""
    args = parse_args()
    if args.worker:
        run = CASES[args.commit](args.worker, args.fast)
        run()
        print(json.dumps([_measured(run) for _ in range(args.passes)]))
        return
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder, 'before')
        _git('worktree', 'add', '--detach', str(before), args.commit)
        try:
            rows = compare(args, before, Path(folder))
        finally:
            _git('worktree', 'remove', '--force', str(before))
    text = table(rows)
    print(text)
    if args.out:
        from mmvis.atomic_file import atomic_file

        contents = dict(md=text, json=json.dumps(rows, indent=2) + '\n')
        for ending, content in contents.items():
            with atomic_file(args.out / f'commits.{ending}') as file:
                file.write_text(content, encoding='utf-8')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('commit', metavar='COMMIT', help='the older commit')
    parser.add_argument(
        '--cases',
        nargs='+',
        choices=CASES,
        default=list(CASES),
        metavar='CASE',
        help=f'what to measure, of {", ".join(CASES)} (default: all)',
    )
    parser.add_argument(
        '--rounds', type=int, default=2, help='processes of each commit (default: 2)'
    )
    parser.add_argument(
        '--passes', type=int, default=1, help='counted passes of each (default: 1)'
    )
    parser.add_argument(
        '--out', type=Path, metavar='FOLDER', help='write commits.md and .json here'
    )
    parser.add_argument(
        '--fast', action='store_true', help='also run this checkout in its fast mode'
    )
    parser.add_argument('--worker', type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    for option in ('rounds', 'passes'):
        if getattr(args, option) < 1:
            parser.error(f'--{option} must be at least 1, got {getattr(args, option)}')
    return args


def compare(
    args: argparse.Namespace, before: Path, folder: Path
) -> dict[str, dict[str, list[dict]]]:
    """Passes of every case, by case, by 'before', 'now' and perhaps 'fast'."""
    rows: dict[str, dict[str, list[dict]]] = {}
    for case in args.cases:
        trees = dict(before=before, now=ROOT)
        if args.fast and getattr(CASES[case], 'func', None) in (forward, video):
            trees['fast'] = ROOT
        passes = rows[case] = {name: [] for name in trees}
        for _ in range(args.rounds):
            for name, tree in trees.items():
                options = ['--worker', str(folder), '--passes', str(args.passes)]
                options += ['--fast'] if name == 'fast' else []
                passes[name] += _run_worker(case, tree, options)
                seconds = [round(one['cpu'], 2) for one in passes[name]]
                print(f'{case}, {name}: CPU seconds {seconds}', file=sys.stderr)
    return rows


def _run_worker(case: str, tree: Path, options: list[str]) -> list[dict]:
    threads = dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS'), '1')
    ended = subprocess.run(
        [sys.executable, __file__, case, *options],
        env=os.environ | threads | dict(PYTHONPATH=str(tree)),
        cwd=tree,
        stdout=subprocess.PIPE,
        text=True,
    )
    if ended.returncode:
        raise SystemExit(f'{case} failed in {tree}, see above.')
    return json.loads(ended.stdout.splitlines()[-1])


def table(rows: dict[str, dict[str, list[dict]]]) -> str:
    """Markdown: medians and spread of each, factors, difference of the outputs."""
    lines = [
        '| case | | CPU s | factor | memory, MB | factor | outputs differ by |',
        '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    for case, passes in rows.items():
        for name, own in passes.items():
            pairs = [
                [[one[key] for one in some] for some in (passes['before'], own)]
                for key in ('cpu', 'memory')
            ]
            factors = [f'{_ratio(*map(statistics.median, pair)):.2f}' for pair in pairs]
            cpu, memory = (_with_spread(pair[1]) for pair in pairs)
            gap = f'{_difference(passes["before"][-1], own[-1]):.0e}'
            cells = (case, name, cpu, factors[0], memory, factors[1], gap)
            lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def _with_spread(values: list[float]) -> str:
    figures = statistics.median(values), min(values), max(values)
    texts = [f'{v:,.0f}' if v >= 100 else f'{v:.3g}' for v in figures]
    return f'{texts[0]} ({texts[1]} to {texts[2]})'


def _ratio(before: float, now: float) -> float:
    return before / now if now else float('inf')


def _difference(before: dict, now: dict) -> float:
    pairs = list(zip(before['outputs'], now['outputs'], strict=True))
    return max((abs(a - b) / max(abs(a), 1e-12) for a, b in pairs), default=0.0)


def _measured(run: Callable[[], Any]) -> dict:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')  # the peak becomes what is held now
    held, begin, cpu = _resident('VmRSS'), time.perf_counter(), _cpu_seconds()
    outputs = run()
    return dict(
        cpu=_cpu_seconds() - cpu,
        wall=time.perf_counter() - begin,
        memory=_resident('VmHWM') - held,
        outputs=list(_digest(outputs)),
    )


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (0, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _resident(field: str) -> float:
    status = Path('/proc/self/status').read_text()
    return int(re.findall(rf'^{field}:\s+(\d+)', status, re.M)[0]) / 1024


def _digest(value: Any) -> Iterable[float]:
    """Mean absolute value of every tensor in nested outputs, and every number."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _digest(part)
    elif isinstance(value, (int, float)):
        yield float(value)
    elif hasattr(value, 'abs'):
        yield float(value.double().abs().mean())


def forward(
    folder: Path, is_fast: bool, *, config: str, clip_len: int, size: tuple
) -> Callable:
    """The network on one clip, to the raw outputs of its head."""
    import torch

    model = _model(folder, is_fast, config, clip_len)
    clip = _clip(clip_len, size)

    def run() -> Any:
        with torch.no_grad():
            return model(clip)

    return run


def step(
    folder: Path, is_fast: bool, *, config: str, clip_len: int, size: tuple
) -> Callable:
    """Losses of a clip with five squares, gradients, an update with AdamW."""
    import torch

    model = _model(folder, False, config, clip_len).train()
    clip, samples = _clip(clip_len, size), _samples(range(clip_len), size)
    _annotate(samples[0], size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def run() -> dict:
        loss = model.parse_losses(model(clip, samples, mode='loss'))[0]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return dict(loss=loss.detach())

    return run


def video(
    folder: Path,
    is_fast: bool,
    *,
    config: str,
    clip_len: int,
    size: tuple,
    num_frames: int,
    chunk: int,
) -> Callable:
    """Frames of a video, some at a time, to tracks as RLE in 720x1280."""
    import torch

    model = _model(folder, is_fast, config, clip_len)
    frames = _clip(num_frames, size)

    def run() -> list:
        with torch.no_grad():
            for first in range(0, num_frames, chunk):
                inds = range(first, min(first + chunk, num_frames))
                samples = _samples(inds, size, num_frames)
                (sample,) = model.predict(frames[:, first : inds.stop], samples)
        found = sample.pred_track_instances
        # Masks are those of other tracks if the scores of random weights are alike.
        return [len(found.masks), found.scores]

    return run


def scoring(folder: Path, is_fast: bool) -> Callable:
    """Scores of 30,000 predictions from parsed files."""
    gt, results = (json.loads(path.read_bytes()) for path in _results(folder))
    from mmvis.evaluation import evaluate_ytvis

    return lambda: evaluate_ytvis(gt, results).stats()


def evaluate(folder: Path, is_fast: bool) -> Callable:
    """`tools/evaluate.py` on 30,000 predictions, the whole process."""
    paths = _results(folder)
    command = [sys.executable, 'tools/evaluate.py', *map(str, paths)]
    quiet = subprocess.DEVNULL
    return lambda: subprocess.run(command, check=True, stdout=quiet) and []


def _model(folder: Path, is_fast: bool, config: str, clip_len: int):
    """The model of a config; the first process chooses the weights of all."""
    import torch
    from mmengine.config import Config

    import mmvis
    from mmvis.apis import init_model

    if Path(mmvis.__file__).parents[1] != Path.cwd():
        raise SystemExit(f'{mmvis.__file__} is not the mmvis of {Path.cwd()}.')
    cfg = Config.fromfile(f'configs/{config}.py')
    if 'clip_len' in cfg.model.head:
        cfg.model.head.clip_len = cfg.model.test_cfg.clip_len = clip_len
        cfg.model.test_cfg.clip_stride = clip_len
    weights = folder / f'{config}.pth'
    if not weights.exists():
        torch.manual_seed(0)
        model = init_model(cfg)
        for part in model.modules():
            init_cfg = getattr(part, 'init_cfg', None)
            if isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained':
                part.init_cfg = None
        model.init_weights()
        torch.save(model.state_dict(), weights)
    return init_model(cfg, weights, **(dict(fast=True) if is_fast else {}))


def _clip(num_frames: int, size: tuple[int, int]):
    import torch

    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, num_frames, 3, *size, generator=generator)


def _samples(inds: range, size: tuple[int, int], video_len: int | None = None) -> list:
    from mmdet.structures import DetDataSample, TrackDataSample

    facts = dict(video_id=1, video_len=video_len or len(inds), ori_shape=(720, 1280))
    facts |= dict(img_shape=size, batch_input_shape=size)
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(metainfo=dict(facts, frame_id=frame_id)) for frame_id in inds
    ]
    return [sample]


def _annotate(sample, size: tuple[int, int]) -> None:
    """Put the same five squares into all frames."""
    import torch
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    starts, side = range(0, 5 * 40, 40), 75
    masks = torch.zeros(5, *size, dtype=torch.uint8)
    for mask, start in zip(masks, starts):
        mask[start : start + side, start : start + side] = 1
    corners = [[start, start, start + side, start + side] for start in starts]
    for frame in sample.video_data_samples:
        frame.gt_instances = InstanceData(
            labels=torch.arange(5),
            bboxes=torch.tensor(corners).float(),
            masks=BitmapMasks(masks.numpy(), *size),
            visible=torch.ones(5, dtype=torch.bool),
        )


def _results(folder: Path) -> list[Path]:
    """Ground truth and results; this checkout makes them for both commits."""
    paths = [folder / 'gt.json', folder / 'results.json']
    if not paths[1].exists():
        code = (
            'import json, sys; from mmvis.benchmarks.synthetic_results import make_case'
            '\nfor part, path in zip(make_case(), sys.argv[1:]):'
            "\n    with open(path, 'w') as file: json.dump(part, file)"
        )
        environment = os.environ | dict(PYTHONPATH=str(ROOT))
        command = [sys.executable, '-c', code, *map(str, paths)]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
    return paths


def _git(*arguments: str) -> None:
    if subprocess.run(['git', '-C', str(ROOT), *arguments]).returncode:
        raise SystemExit(f'`git {" ".join(arguments)}` failed, see above.')


_IFC = dict(config='ifc_r50', size=(360, 640))
_VISTR = dict(config='vistr_r50', size=(300, 540))
_TEVIT = dict(config='tevit_msgshift', size=(384, 640))
CASES: dict[str, Callable[[Path, bool], Callable]] = {
    'ifc-t5': partial(forward, clip_len=5, **_IFC),
    'ifc-t36': partial(forward, clip_len=36, **_IFC),
    'ifc-near-online': partial(video, clip_len=5, num_frames=12, chunk=4, **_IFC),
    'vistr-t6': partial(forward, clip_len=6, **_VISTR),
    'vistr-t36': partial(forward, clip_len=36, **_VISTR),
    'vistr-t6-step': partial(step, clip_len=6, **_VISTR),
    'tevit-t5': partial(video, clip_len=5, num_frames=5, chunk=5, **_TEVIT),
    'tevit-t20': partial(video, clip_len=20, num_frames=20, chunk=20, **_TEVIT),
    'scoring': scoring,
    'evaluate': evaluate,
}


if __name__ == '__main__':
    main()
