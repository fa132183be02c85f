"""Check of checkpoints that a training resumes from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmvis.converters.tensor_checks import quoted, tensor_problem
from mmvis.errors import UserValueError
from mmvis.terminal import print_warning

__all__ = ['check_resumable', 'find_last_checkpoint']

# Running means of squares, of which optimizers take the root.
_SQUARES = ('exp_avg_sq', 'max_exp_avg_sq', 'square_avg')
# States of torch's optimizers that are not of the shape of their parameter.
_SCALARS = ('step', 'mu_product', 'mu', 'eta')
_MAX_SEED = (1 << 32) - 1
_FACTORS = ('row_var', 'col_var', 'variance')


def find_last_checkpoint(work_dir: str) -> str | None:
    """Find the checkpoint of a training that was written last.

    A warning is printed if another one has more iterations.

    Args:
        work_dir (str): Its work directory.

    Returns:
        str | None: Path of ``iter_*.pth`` or ``epoch_*.pth``; None if there is none.
    """
    numbers = {}
    for path in Path(work_dir).glob('*.pth'):
        name = re.fullmatch(r'(?:iter|epoch)_(\d+)\.pth', path.name)
        if name is not None and path.is_file():
            numbers[path] = int(name[1])
    if not numbers:
        return None
    last = max(numbers, key=lambda path: (path.stat().st_mtime, numbers[path]))
    furthest = max(numbers, key=numbers.__getitem__)
    if numbers[furthest] > numbers[last]:
        print_warning(
            f'of the checkpoints in {work_dir}, {last.name} was written last, and is '
            f'resumed. {furthest.name} is older: a copied folder, or another training? '
            f'To resume from that one: --resume {furthest}'
        )
    return str(last)


def check_resumable(runner: Runner, checkpoint: Mapping[str, Any]) -> None:
    """Check that a checkpoint holds everything that resuming needs.

    MMEngine resets everything that a checkpoint lacks, without a warning.

    Args:
        runner (Runner): About to resume; its optimizer is built.
        checkpoint (Mapping[str, Any]): What was read.

    Raises:
        ValueError: If progress, log, optimizer or schedules are missing, malformed,
            not finite, or those of another optimizer or model.
    """
    meta = checkpoint.get('meta')
    problem = _progress_problem(meta, runner) or _log_problem(
        checkpoint.get('message_hub')
    )
    optimizer = runner.optim_wrapper
    if problem is None and isinstance(optimizer, OptimWrapper):
        problem = _optimizer_problem(checkpoint.get('optimizer'), optimizer)
    if problem is None and runner.param_schedulers:
        problem = _schedule_problem(checkpoint.get('param_schedulers'))
    problem = problem or _weights_problem(checkpoint.get('ema_state_dict', {}))
    if problem is not None:
        raise UserValueError(
            f'{runner._load_from or "The last checkpoint"} cannot be resumed: '
            f'{problem}. Resume from a checkpoint of the same training, or start a new '
            'one from its weights: --cfg-options load_from=CHECKPOINT.'
        )


def _progress_problem(meta: Any, runner: Runner) -> str | None:
    if not isinstance(meta, dict):
        return "it has no 'meta' with the number of iterations"
    for name in ('iter', 'epoch'):
        if not _is_count(meta.get(name)):
            return (
                f"'meta.{name}' is {quoted(meta.get(name))}, expected a number of "
                f'finished {name}s'
            )
    seed = meta.get('seed')
    if seed is not None and not (_is_count(seed) and seed <= _MAX_SEED):
        return f"'meta.seed' is {quoted(seed)}, expected a seed up to {_MAX_SEED}"
    return _length_problem(meta, runner)


def _length_problem(meta: dict, runner: Runner) -> str | None:
    """What keeps the progress from being one of the training that the config asks for.

    Its schedule is advanced step by step, which an absurd number would never end.
    """
    loop, num_iters, num_epochs = runner.train_loop, meta['iter'], meta['epoch']
    is_in_minutes = getattr(loop, 'max_minutes', None) is not None
    if num_iters > loop.max_iters and not is_in_minutes:
        return (
            f"'meta.iter' is {quoted(num_iters)}, but the config trains for "
            f'{loop.max_iters} iterations. Raise `train_cfg.max_iters` or '
            '`train_cfg.max_epochs` to train on'
        )
    if not isinstance(loop, EpochBasedTrainLoop):
        return None
    epoch_len = len(loop.dataloader)
    if not 0 <= num_iters - num_epochs * epoch_len <= epoch_len:
        return (
            f'it has {num_iters} iterations in {quoted(num_epochs)} finished epochs, '
            f'but an epoch of the config has {epoch_len}: the data set, the batch size '
            'or the number of processes is another one'
        )
    return None


def _log_problem(hub: Any) -> str | None:
    parts = ('log_scalars', 'runtime_info', 'resumed_keys')
    if not isinstance(hub, dict) or not all(_is_by_name(hub.get(p)) for p in parts):
        return f"it has no 'message_hub' with {', '.join(parts)} by name"
    for name, history in hub['log_scalars'].items():
        if not _is_history(history):
            return f"'message_hub.log_scalars' {quoted(name)} is not a log history"
    return None


def _is_history(value: Any) -> bool:
    if not isinstance(value, HistoryBuffer):
        return False
    parts = vars(value)
    logs, counts = parts.get('_log_history'), parts.get('_count_history')
    return (
        all(isinstance(x, np.ndarray) and x.dtype.kind in 'fiu' for x in (logs, counts))
        and logs.ndim == 1
        and logs.shape == counts.shape
        and _is_count(parts.get('max_length'))
    )


def _optimizer_problem(state: Any, optim_wrapper: OptimWrapper) -> str | None:
    """What is wrong with the state of an optimizer."""
    if not isinstance(state, dict) or not {'state', 'param_groups'} <= state.keys():
        return "it has no 'optimizer' with state and parameter groups"
    expected = optim_wrapper.optimizer.state_dict()
    problem = _groups_problem(state['param_groups'], expected['param_groups'])
    if problem is not None:
        return problem
    parameters = [p for g in optim_wrapper.optimizer.param_groups for p in g['params']]
    return _moments_problem(state['state'], parameters)


def _groups_problem(groups: Any, expected: list[dict]) -> str | None:
    is_list = isinstance(groups, list) and all(isinstance(g, dict) for g in groups)
    names = [_parameters(group) for group in groups] if is_list else None
    if names != [_parameters(group) for group in expected]:
        return 'its optimizer has other parameter groups than that of the config'
    for index, (group, wanted) in enumerate(zip(groups, expected)):
        where = f"'optimizer.param_groups[{index}]'"
        missing = [name for name in wanted if name not in group]
        if missing:
            return (
                f'{where} lacks {missing[0]!r}: it is the state of another optimizer '
                'than that of the config'
            )
        for name, value in group.items():
            if not _is_setting(value, wanted.get(name)):
                return f'{where} holds {quoted(name)}: {quoted(value)}'
    return None


def _parameters(group: dict) -> list[int] | None:
    numbers = group.get('params')
    is_list = isinstance(numbers, list) and all(map(_is_count, numbers))
    return numbers if is_list else None


def _moments_problem(state: Any, parameters: list[Tensor]) -> str | None:
    if not isinstance(state, dict) or not all(map(_is_count, state)):
        return "'optimizer.state' is not a dict by parameter"
    dicts = [moments for moments in state.values() if isinstance(moments, dict)]
    names = {name for moments in dicts for name in moments}
    for index, moments in state.items():
        where = f"'optimizer.state[{index}]'"
        if index >= len(parameters) or not isinstance(moments, dict):
            return f'{where} belongs to no parameter'
        if moments.keys() != names:
            return f'{where} holds other values than the rest'
        for name, value in moments.items():
            problem = _moment_problem(name, value, parameters[index])
            if problem is not None:
                return f'{where} {quoted(name)} {problem}'
    fresh = [i for i, p in enumerate(parameters) if p.requires_grad and i not in state]
    if state and fresh:
        print_log(
            f'The optimizer has no state of {len(fresh)} parameters in the checkpoint; '
            'it is initialised for them.',
            logger='current',
        )
    return None


def _moment_problem(name: Any, value: Any, parameter: Tensor) -> str | None:
    if value is None and name == 'momentum_buffer':  # SGD without momentum
        return None
    if name == 'step' and _is_finite_number(value):
        return None if value >= 0 else 'is negative'
    problem = tensor_problem(value)
    if problem is not None:
        return problem
    shape = torch.Size() if name in _SCALARS else _whole_shape(parameter)
    if value.shape != shape and name not in _FACTORS:
        return f'has shape {tuple(value.shape)}, expected {tuple(shape)}'
    if not value.is_floating_point():
        return f'is of {value.dtype}, expected {torch.float32}'
    if not value.float().isfinite().all():
        return f'holds values that are too large for {torch.float32}'
    if name in (*_SQUARES, 'step') and (value < 0).any():
        return 'holds negative values'
    return None


def _whole_shape(parameter: Tensor) -> torch.Size:
    """Shape in a checkpoint, also where FSDP shares a parameter among processes."""
    return getattr(parameter, 'whole_shape', parameter.shape)


def _schedule_problem(schedulers: Any) -> str | None:
    lists = list(schedulers.values()) if isinstance(schedulers, dict) else [schedulers]
    if not lists or not all(isinstance(part, list) and part for part in lists):
        return "it has no 'param_schedulers'"
    states = [state for part in lists for state in part]
    if not all(isinstance(state, dict) for state in states):
        return "'param_schedulers' are not dicts"
    for state in states:
        for name, value in state.items():
            if not isinstance(name, str) or not all(map(_is_plain, _leaves(value))):
                return f"'param_schedulers' hold {quoted(name)}: {quoted(value)}"
    return None


def _weights_problem(weights: Any) -> str | None:
    if not isinstance(weights, dict):
        return "'ema_state_dict' is not a dict of weights by name"
    for name, value in weights.items():
        problem = tensor_problem(value)
        if problem is not None:
            return f"'ema_state_dict' {quoted(name)} {problem}"
    return None


def _is_setting(value: Any, expected: Any) -> bool:
    """Whether a value of a parameter group is finite and like that of the config."""
    if _is_number(expected):
        return _is_finite_number(value) or (
            tensor_problem(value) is None and value.numel() == 1
        )
    if isinstance(expected, (list, tuple)):
        is_list = isinstance(value, (list, tuple)) and len(value) == len(expected)
        return is_list and all(map(_is_setting, value, expected))
    return all(map(_is_plain, _leaves(value)))


def _is_plain(value: Any) -> bool:
    if _is_number(value):
        return _is_finite_number(value)
    return (
        value is None
        or isinstance(value, (bool, str, type, np.ndarray))
        or (tensor_problem(value) is None)
    )


def _leaves(value: Any) -> Iterator[Any]:
    """What containers hold; a file may nest them deeply, or in a circle."""
    waiting, seen = [value], set()
    while waiting:
        value = waiting.pop()
        if not isinstance(value, (Mapping, list, tuple)):
            yield value
        elif id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, Mapping) else value


def _is_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(name, str) for name in value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real)


def _is_finite_number(value: Any) -> bool:
    try:
        return _is_number(value) and math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False
