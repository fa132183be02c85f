"""Check of pretrained weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from mmvis.converters.tensor_checks import quoted, weight_problem
from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files
from mmvis.errors import UserValueError

__all__ = ['checked_pretrained_weights']


@contextmanager
def checked_pretrained_weights(model: nn.Module) -> Iterator[None]:
    """Refuse checkpoints of ``init_cfg`` that belong to another network.

    MMEngine and MMDetection load what fits and leave the rest random. Here every
    weight of a convolution or a linear layer must be in the checkpoint; parts without
    one, as norms that a backbone adds to its outputs, may be random and are logged.

    Args:
        model (nn.Module): While its ``init_weights`` runs, every part whose
            ``init_cfg`` is of type 'Pretrained' is checked.

    Raises:
        ValueError: If a checkpoint lacks such a weight, or one does not fit.
    """
    use_safe_checkpoint_files()
    filenames = {
        part: init_cfg['checkpoint']
        for part in model.modules()
        if (init_cfg := _pretrained_cfg(part)) is not None
    }
    handles = [
        part.register_load_state_dict_pre_hook(_checker(filename))
        for part, filename in filenames.items()
    ]
    try:
        yield
    except (AssertionError, IndexError, KeyError) as error:
        if not filenames or isinstance(error, UserValueError):
            raise
        # What MMEngine and MMDetection raise where no name is as they expect it.
        raise UserValueError(
            f'`init_cfg` names {" and ".join(map(str, filenames.values()))}, which is '
            f'a checkpoint of another network ({type(error).__name__}: '
            f'{quoted(str(error))}). {_ADVICE}'
        ) from error
    finally:
        for handle in handles:
            handle.remove()


def _pretrained_cfg(part: nn.Module) -> dict | None:
    init_cfg = getattr(part, 'init_cfg', None)
    is_pretrained = isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained'
    return init_cfg if is_pretrained else None


def _checker(filename: str) -> Any:
    """A hook of ``load_state_dict`` that raises the error."""

    def check(
        part: nn.Module, weights: Mapping[str, Tensor], prefix: str, *_: Any
    ) -> None:
        if prefix:
            return  # a larger part is loaded, from its own checkpoint
        missing = [name for name in _layer_weights(part) if name not in weights]
        if missing:
            raise UserValueError(
                f'{filename}, named by `init_cfg`, lacks {len(missing)} of the weights '
                f'of {type(part).__name__}, e.g. {missing[0]}: it is a checkpoint of '
                f'another network. {_ADVICE}'
            )
        for name, expected in part.state_dict().items():
            problem = name in weights and weight_problem(name, weights[name], expected)
            if problem:
                raise UserValueError(
                    f'{filename}, named by `init_cfg`: {quoted(name)} {problem}. '
                    f'{_ADVICE}'
                )

    return check


def _layer_weights(part: nn.Module) -> list[str]:
    return [
        name
        for name, value in part.named_parameters()
        if name.endswith('weight') and value.ndim > 1
    ]


_ADVICE = (
    'Give the weights of this network; or set `init_cfg=None` to start from random '
    'ones.'
)
