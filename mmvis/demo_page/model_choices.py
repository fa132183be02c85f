"""The models that the page offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmvis.engine.resuming import find_last_checkpoint
from mmvis.errors import UserValueError
from mmvis.zoo import find_model, list_models

__all__ = ['ModelChoice', 'find_choices']


@dataclass(frozen=True)
class ModelChoice:
    """A model with its weights.

    Attributes:
        config (str): Config file, or the name of a shipped one.
        checkpoint (str | None): Its weights; None: those published under its name.
        note (str): What the page says before it is loaded.
    """

    config: str
    checkpoint: str | None = None
    note: str = ''


def find_choices(
    models: Sequence[str] = (),
    checkpoint: str | None = None,
    work_dirs: str | Path = 'work_dirs',
) -> dict[str, ModelChoice]:
    """Find the models to choose from.

    Args:
        models (Sequence[str]): Names of published models, work directories of
            trainings, or one config file. Defaults to none: all trainings in
            ``work_dirs`` and all published models.
        checkpoint (str, optional): Weights of the config file. Defaults to None.
        work_dirs (str | Path): Folder of work directories. Defaults to 'work_dirs'.

    Returns:
        dict[str, ModelChoice]: The models by the name that the page shows.

    Raises:
        UserKeyError: If there is no model of a name.
        UserValueError: If a model has no weights, or ``checkpoint`` no config file.
    """
    if checkpoint is not None:
        if len(models) != 1 or not Path(models[0]).is_file():
            raise UserValueError(
                '--checkpoint belongs to one config file, got '
                f'{" ".join(models) or "none"}. Give the config file alone, or the '
                'work directory of a training, which has both.'
            )
        name = f'{Path(models[0]).stem} ({Path(checkpoint).name})'
        return {name: ModelChoice(models[0], checkpoint)}
    if models:
        return dict(_given(model) for model in models)
    folders = sorted(path.parent for path in Path(work_dirs).glob('*/last_checkpoint'))
    trained = dict(_trained(folder) for folder in folders if _configs(folder))
    published = [m.name for m in list_models().values() if m.is_published]
    return trained | dict(map(_published, published))


def _given(model: str) -> tuple[str, ModelChoice]:
    path = Path(model)
    if path.is_dir():
        return _trained(path)
    if path.suffix:
        raise UserValueError(
            f'{model} is not a folder or has no weights: give its checkpoint with '
            '--checkpoint, or the work directory of its training.'
        )
    return _published(model)


def _published(name: str) -> tuple[str, ModelChoice]:
    model = find_model(name)
    if not model.is_published:
        raise UserValueError(
            f'No weights are published for {name}. `mmvis models --published` lists '
            'the models with weights; for a training of yours give its work directory.'
        )
    size = f' of {model.size}' if model.size else ''
    return name, ModelChoice(name, note=f'its weights{size} are downloaded once')


def _trained(work_dir: Path) -> tuple[str, ModelChoice]:
    """The model of a training: the config and the checkpoint in its folder."""
    configs = _configs(work_dir)
    checkpoint = find_last_checkpoint(str(work_dir))
    if len(configs) != 1 or checkpoint is None:
        names = ', '.join(path.name for path in configs) or 'no config'
        has = 'no checkpoint' if checkpoint is None else Path(checkpoint).name
        raise UserValueError(
            f'{work_dir} is not the work directory of one training: it has {names} and '
            f'{has}, expected one config (NAME.py) and iter_*.pth. Give the config '
            'file and --checkpoint.'
        )
    (config,) = configs
    name = f'{work_dir.name} ({Path(checkpoint).name})'
    return name, ModelChoice(str(config), checkpoint)


def _configs(work_dir: Path) -> list[Path]:
    return sorted(work_dir.glob('*.py'))
