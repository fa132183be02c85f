"""Test of a trained model on a data set."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from mmvis.atomic_file import check_output
from mmvis.engine.command_line import RunArgumentParser, probability
from mmvis.engine.run_lock import run_lock
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError

__all__ = ['main', 'test']

PRETRAINED = 'pretrained'

EXAMPLES = """examples:
  AP where the test set is annotated; results.json and its zip in any case:
    python tools/test.py configs/ifc_r50.py ifc_r50.pth
  with the weights that its authors published:
    python tools/test.py configs/tevit_msgshift.py pretrained
  on 8 GPUs (or 8 processes on the CPU), videos shared out:
    tools/dist_test.sh configs/ifc_r50.py ifc_r50.pth 8
  the whole video as one clip, or faster with every other frame:
    python tools/test.py CONFIG CKPT --cfg-options model.test_cfg.clip_len=None
    python tools/test.py CONFIG CKPT --cfg-options model.test_cfg.frame_stride=2
  overlays of every video, results where you want them:
    python tools/test.py CONFIG CKPT --show-dir overlays --out mine/results.json
  another data set with the same classes:
    python tools/test.py CONFIG CKPT --cfg-options \\
        test_dataloader.dataset.data_root=/data/mine
  about a fifth faster on a CPU, half precision on a GPU:
    python tools/test.py CONFIG CKPT --fast
  resume after an interruption, without the videos that are finished:
    python tools/test.py CONFIG CKPT --work-dir out --resume

The zip is what the YouTube-VIS and OVIS servers take. AP of a results file without
the model: python tools/evaluate.py GT.json results.json
"""


def main(args: Sequence[str] | None = None) -> None:
    """Test, as the command line says.

    Args:
        args (Sequence[str], optional): Its words. Defaults to those of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    from mmengine.dist import is_main_process

    from mmvis.engine.run_config import read_run_config

    with user_errors(options.config):
        cfg = read_run_config(options, 'test')
        if options.checkpoint == PRETRAINED:
            options.checkpoint = f'zoo://{Path(cfg.filename).stem}'
        apply_options(cfg, options)
    with user_errors(options.config, cfg):
        metrics = test(cfg)
    if is_main_process():
        prefix = cfg.test_evaluator.outfile_prefix
        lines = [
            f'results: {prefix}.json',
            f'to submit: {prefix}.submission_file.zip',
        ]
        if options.show_dir is not None:
            lines.append(f'overlays: {options.show_dir}')
        if metrics:
            lines.append(f'to look at errors: {_report_command(cfg)}')
        print('\n'.join(lines))  # noqa: T201 - the output of the command


def _report_command(cfg: Config) -> str:
    data = cfg.test_dataloader.dataset
    root = Path(data.get('data_root') or '')
    gt = cfg.test_evaluator.get('ann_file') or root / data.ann_file
    frames = root / (data.get('data_prefix') or {}).get('img', '')
    results = f'{cfg.test_evaluator.outfile_prefix}.json'
    return shlex.join(['mmvis', 'report', str(gt), results, '--frames', str(frames)])


def test(cfg: Config) -> dict[str, float]:
    """Test a model.

    Args:
        cfg (Config): A config with ``work_dir``, ``launcher`` and ``load_from``. Its
            ``runner_type`` is built, MMEngine's ``Runner`` if it names none.

    Returns:
        dict[str, float]: Metrics by name; empty where nothing can be scored.

    Raises:
        ValueError: If another test is in the work directory.
    """
    from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files
    from mmvis.engine.console import log_warnings
    from mmvis.engine.distributed import use_cpu_processes, use_whole_model
    from mmvis.registry import RUNNERS

    use_safe_checkpoint_files()
    use_whole_model(cfg)
    with run_lock(cfg.work_dir, 'test', cfg.launcher), log_warnings():
        use_cpu_processes(cfg)
        return RUNNERS.build(cfg).test()


def parse_args(args: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = RunArgumentParser(
        'Run a trained model on a data set; evaluate it where there are annotations.',
        EXAMPLES,
        work_dir_help='folder of logs and finished videos',
        cfg_options_help='model.test_cfg.clip_stride=3',
    )
    parser.add_argument(
        'checkpoint',
        help=f"checkpoint file of that model, or '{PRETRAINED}' for the weights that "
        'are published under the name of the config',
    )
    parser.add_argument(
        '--out',
        metavar='FILE.json',
        help='results file; the zip is written beside it (default: results.json in '
        'the work directory)',
    )
    parser.add_argument(
        '--show-dir', help='draw every video: an mp4 and a strip of frames (png)'
    )
    parser.add_argument(
        '--show-score-thr',
        type=probability,
        default=0.3,
        help='draw tracks with at least this score (default: 0.3)',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 on a GPU, bfloat16 on the CPU',
    )
    parser.add_argument(
        '--fast',
        action='store_true',
        help='rewrite the network for inference; outputs differ by rounding, on a GPU '
        'and on a CPU with AMX by that of half precision',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='keep the finished videos of the same, interrupted test',
    )
    return parser.parse_args(args)


def apply_options(cfg: Config, options: argparse.Namespace) -> None:
    """Put the options of testing into the config.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the config has no test set, or ``--out`` is not a json file.
    """
    if cfg.get('test_dataloader') is None or cfg.get('test_evaluator') is None:
        raise UserValueError(
            '`test_dataloader` and `test_evaluator` are needed for a test; see '
            'configs/_base_/datasets/youtube_vis_2019.py.'
        )
    from mmvis.converters.checkpoint_file import find_checkpoint
    from mmvis.engine.distributed import type_name

    find_checkpoint(options.checkpoint)  # before anything is built
    cfg.load_from, cfg.resume = options.checkpoint, False
    results = results_file(cfg, options)
    dataset = cfg.test_dataloader.dataset
    ann_file = Path(dataset.get('data_root') or '', dataset.get('ann_file') or '')
    check_output(results, options.config, cfg.test_evaluator.get('ann_file'), ann_file)
    cfg.test_evaluator.outfile_prefix = results.removesuffix('.json')
    if options.amp:
        cfg.test_cfg.fp16 = True
    hooks = list(cfg.get('custom_hooks') or [])
    if options.fast:
        # It would write the averages, which a checkpoint's weights already are, into
        # the layers of another network.
        hooks = [hook for hook in hooks if type_name(hook) != 'EMAHook']
        hooks.append(dict(type='FastModeHook'))
    hooks.append(
        dict(
            type='VideoRecordHook',
            out_dir=str(Path(cfg.work_dir, 'test_records')),
            run_id=run_id(cfg, options),
            resume=options.resume,
        )
    )
    if options.show_dir is not None:
        hooks.append(
            dict(
                type='OverlayHook',
                out_dir=options.show_dir,
                score_thr=options.show_score_thr,
            )
        )
    cfg.custom_hooks = hooks


def results_file(cfg: Config, options: argparse.Namespace) -> str:
    """Path of the results."""
    if options.out is None:
        return str(Path(cfg.work_dir, 'results.json'))
    if not options.out.endswith('.json'):
        raise UserValueError(f'--out must be a .json file, got {options.out}.')
    return options.out


def run_id(cfg: Config, options: argparse.Namespace) -> dict[str, str]:
    """What the result of a video follows from."""
    from mmvis.converters.checkpoint_file import find_checkpoint
    from mmvis.zoo.download import file_sha256

    return dict(
        checkpoint=file_sha256(find_checkpoint(options.checkpoint)),
        model=_as_text(cfg.model),
        test_dataset=_as_text(cfg.test_dataloader.dataset),
        amp=str(options.amp),
        fast=str(options.fast),
    )


def _as_text(part: Config) -> str:
    return json.dumps(part.to_dict(), sort_keys=True, default=str)
