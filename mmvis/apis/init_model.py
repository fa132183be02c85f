"""Building of a model from config and checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmvis.models  # noqa: F401 - registers what configs name
from mmvis.converters.checkpoint_file import read_checkpoint
from mmvis.converters.tensor_checks import quoted
from mmvis.datasets import DATASET_CLASSES
from mmvis.engine.class_count import has_open_classes, set_num_classes
from mmvis.engine.config_types import check_types
from mmvis.engine.config_values import check_values
from mmvis.engine.run_config import merge_options, read_config
from mmvis.engine.strict_loading import load_strictly
from mmvis.errors import UserTypeError, UserValueError
from mmvis.models.vis import ClipVISModel, make_fast
from mmvis.registry import MODELS
from mmvis.zoo import find_config

__all__ = ['init_model']


def init_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device = 'cpu',
    cfg_options: dict | None = None,
    *,
    pretrained: bool = False,
    fast: bool = False,
) -> ClipVISModel:
    """Build a model for inference.

    Args:
        config (str | Path | Config): A config file, what was read from it, or the
            name of a shipped one, e.g. 'tevit_msgshift'.
        checkpoint (str | Path, optional): Weights; they must fit exactly. Defaults
            to None: the model keeps its random initialisation.
        device (str | torch.device): Where the model runs. Defaults to 'cpu'.
        cfg_options (dict, optional): Values that override those of the config, by
            dotted key, e.g. ``{'model.test_cfg.clip_len': 10}``.
        pretrained (bool): Whether the weights are those that are published under the
            config's name, downloaded when they are first needed. Defaults to False.
        fast (bool): Whether the network is rewritten for inference, see
            :func:`make_fast`. Defaults to False.

    Returns:
        ClipVISModel: In eval mode, with the attributes ``cfg`` (Config) and
        ``dataset_meta`` (dict, ``classes`` in the order of the labels).

    Raises:
        FileNotFoundError: If a file does not exist.
        OSError: If published weights cannot be downloaded.
        TypeError: If an argument has the wrong type, or one of the model's parts.
        ValueError: If the device is not available, or the checkpoint does not fit the
            model, names other classes than the model has, or is given in addition to
            ``pretrained``.
    """
    cfg = _read_config(config)
    _check_device(device)
    if pretrained:
        if checkpoint is not None:
            raise UserValueError(
                f'`checkpoint` is {str(checkpoint)!r} and `pretrained` is True: give '
                'one of them.'
            )
        checkpoint = f'zoo://{Path(cfg.filename).stem}'
    merge_options(cfg, cfg_options)
    if has_open_classes(cfg.get('model')):
        set_num_classes(cfg.model, _stored_num_classes(checkpoint))
    content = dict(model=cfg.to_dict().get('model'))
    check_values(content)
    check_types(content)
    init_default_scope(cfg.get('default_scope', 'mmvis'))
    model = MODELS.build(cfg.model)
    stored: dict = {}
    if checkpoint is not None:
        content = load_strictly(model, str(checkpoint))
        stored = _stored_dataset_meta(content, cfg.model.head.num_classes, checkpoint)
    model.cfg = cfg
    model.dataset_meta = _dataset_meta(cfg, stored)
    model.to(device).eval()
    if fast:
        make_fast(model)
    return model


def _stored_num_classes(checkpoint: str | Path | None) -> int:
    """Number of classes that a model was trained for."""
    if checkpoint is None:
        raise UserValueError(
            '`model.head.num_classes` is None: it is that of the checkpoint, but none '
            'was given. Give a checkpoint, or set the number.'
        )
    meta = read_checkpoint(str(checkpoint), map_location='cpu').get('meta')
    stored = meta.get('dataset_meta') if isinstance(meta, dict) else None
    classes = stored.get('classes') if isinstance(stored, dict) else None
    if not isinstance(classes, (list, tuple)):
        raise UserValueError(
            f'{checkpoint} does not say for which classes it was trained: it has no '
            "'meta.dataset_meta.classes'. Set `model.head.num_classes`."
        )
    return len(classes)


def _stored_dataset_meta(
    checkpoint: dict, num_classes: int, filename: str | Path
) -> dict:
    """Data set information of a checkpoint; empty if it has none."""
    meta = checkpoint.get('meta') or {}
    stored = meta.get('dataset_meta') or {} if isinstance(meta, dict) else meta
    if not isinstance(stored, dict):
        raise UserValueError(
            f"{filename}: 'meta' or its 'dataset_meta' is a {type(stored).__name__}, "
            'expected a dict. Take a checkpoint as mmvis saves it.'
        )
    classes = stored.get('classes', ('',) * num_classes)
    is_names = isinstance(classes, (list, tuple)) and all(
        isinstance(name, str) for name in classes
    )
    if not is_names or len(classes) != num_classes:
        given = f'{len(classes)} of them' if is_names else quoted(classes)
        raise UserValueError(
            f"{filename}: 'meta.dataset_meta.classes' must be {num_classes} names, as "
            f'the model has `model.head.num_classes={num_classes}`, got {given}. '
            'Take the config that it was trained with.'
        )
    return stored


def _read_config(config: str | Path | Config) -> Config:
    """A config that may be changed."""
    if isinstance(config, Config):
        return config.copy()
    if not isinstance(config, (str, os.PathLike)):
        raise UserTypeError(
            '`config` must be the path of a config file, the name of a shipped one or '
            f'a Config, got {config!r:.60}.'
        )
    return read_config(find_config(config))


def _check_device(device: str | torch.device) -> None:
    try:
        torch.empty(0, device=device)
    except (AssertionError, NotImplementedError, RuntimeError, TypeError) as error:
        num_gpus = torch.cuda.device_count()
        known = ['cpu', *(f'cuda:{i}' for i in range(num_gpus))]
        raise UserValueError(
            f'`device` is {device!r}, which torch cannot use here: '
            f'{str(error).splitlines()[0].rstrip(".")}. Available are: '
            f'{", ".join(known)}.'
        ) from error


def _dataset_meta(cfg: Config, stored: dict) -> dict:
    """Classes of the training if known, of the config's test set, or numbers."""
    if 'classes' in stored:
        return dict(stored)
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    version = dataset.get('dataset_version')
    if version is not None:
        classes = DATASET_CLASSES[version]
    else:
        num_classes = cfg.model.head.num_classes
        numbered = tuple(f'class {label}' for label in range(num_classes))
        classes = (dataset.get('metainfo') or {}).get('classes', numbered)
    return dict(classes=tuple(classes))
