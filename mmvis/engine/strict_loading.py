"""Strict loading of checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log
from torch import Tensor, nn

from mmvis.converters.checkpoint_file import read_checkpoint, weights_of
from mmvis.converters.tensor_checks import quoted, weight_problem
from mmvis.errors import UserValueError

__all__ = [
    'add_new_parameters',
    'check_weights',
    'drop_other_heads',
    'load_strictly',
]

_NUM_SHOWN = 3


def load_strictly(model: nn.Module, filename: str) -> dict:
    """Load all weights of a model from a checkpoint file.

    Args:
        model (nn.Module): The model; it stays on its device.
        filename (str): A checkpoint file, or ``package://MODULE/PATH``.

    Returns:
        dict: The checkpoint, for its 'meta'.

    Raises:
        ValueError: If the file is not a checkpoint of such a model.
    """
    checkpoint = read_checkpoint(filename, map_location='cpu')
    check_weights(model, weights_of(checkpoint), filename)
    model.load_state_dict(weights_of(checkpoint))
    return checkpoint


def check_weights(
    model: nn.Module, weights: Mapping[str, Tensor], filename: str
) -> None:
    """Compare names, shapes and kinds of numbers.

    Args:
        model (nn.Module): The model, maybe in a wrapper that keeps its names.
        weights (Mapping[str, Tensor]): The state dict to be loaded.
        filename (str): Its file, for the error.

    Raises:
        ValueError: If any parameter or buffer is missing, left over, of another
            shape or of another kind of numbers.
    """
    expected = model.state_dict()
    missing = [name for name in expected if name not in weights]
    unexpected = [name for name in weights if name not in expected]
    reshaped = [
        f'{name} {tuple(weights[name].shape)} instead of {tuple(value.shape)}'
        for name, value in expected.items()
        if name in weights and weights[name].shape != value.shape
    ]
    parts = [
        _list('missing', missing),
        _list('unexpected', unexpected),
        _list('of another shape', reshaped),
    ]
    problems = '; '.join(part for part in parts if part)
    if problems:
        kind = type(getattr(model, 'module', model)).__name__
        raise UserValueError(
            f'{filename} does not fit the model {kind}: {problems}. '
            f'{_advice(bool(missing or unexpected))}'
        )
    for name, value in expected.items():
        problem = weight_problem(name, weights[name], value)
        if problem is not None:
            raise UserValueError(f'{filename}: {quoted(name)} {problem}.')


def drop_other_heads(
    model: nn.Module, weights: dict[str, Tensor], patterns: Sequence[str]
) -> None:
    """Remove class heads for another number of classes from a state dict.

    They are replaced by the model's own, randomly initialised values.

    Args:
        model (nn.Module): The model to be trained.
        weights (dict[str, Tensor]): State dict of a pre-training, changed in place.
        patterns (Sequence[str]): Regular expressions of the names that may be
            replaced where shapes differ.
    """
    dropped = []
    for name, value in model.state_dict().items():
        may_drop = any(re.fullmatch(pattern, name) for pattern in patterns)
        if may_drop and name in weights and weights[name].shape != value.shape:
            old, new = tuple(weights[name].shape), tuple(value.shape)
            dropped.append(f'{name} {old} -> {new}')
            weights[name] = value
    if dropped:
        print_log(
            'Class heads of the checkpoint are for other classes; they are initialised '
            f'randomly: {", ".join(dropped)}',
            logger='current',
        )


def add_new_parameters(
    model: nn.Module, weights: dict[str, Tensor], patterns: Sequence[str]
) -> None:
    """Add parameters that a pre-training did not have.

    Args:
        model (nn.Module): The model to be trained, which has initialised them.
        weights (dict[str, Tensor]): State dict of the pre-training, changed in place.
        patterns (Sequence[str]): Regular expressions of the names that it may lack.
    """
    added = []
    for name, value in model.state_dict().items():
        may_lack = any(re.fullmatch(pattern, name) for pattern in patterns)
        if may_lack and name not in weights:
            added.append(name)
            weights[name] = value
    if added:
        print_log(
            f'New parameters, which the checkpoint lacks: {", ".join(added)}',
            logger='current',
        )


def _list(kind: str, names: Sequence[str]) -> str:
    if not names:
        return ''
    shown = [quoted(name)[1:-1] for name in names[:_NUM_SHOWN]]
    more = f' and {len(names) - _NUM_SHOWN} more' if len(names) > _NUM_SHOWN else ''
    return f'{len(names)} {kind}: {", ".join(shown)}{more}'


def _advice(has_other_names: bool) -> str:
    if has_other_names:
        return (
            'It is a checkpoint of another model: give the config that it was trained '
            'with; convert published checkpoints with tools/model_converters/.'
        )
    return (
        'Sizes differ: give the config that it was trained with, above all the same '
        'num_classes. To train on with other classes, name the class head in '
        'default_hooks.strict_load.new_heads and set load_from.'
    )
