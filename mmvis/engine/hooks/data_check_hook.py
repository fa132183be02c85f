"""Hook that checks data sets against the model before the first iteration."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import exists
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop as MMEngineEpochLoop
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn
from torch.utils.data import DataLoader

from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.engine.loops import EpochBasedTrainLoop, is_endless
from mmvis.errors import UserValueError
from mmvis.evaluation.vis_metric import VISMetric
from mmvis.models.losses.required_criterion import required_criterion
from mmvis.registry import DATASETS, HOOKS

__all__ = ['DataCheckHook']


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Compare the classes of model, data sets and checkpoint; read the ground truth.

    Without it a model for fewer classes learns some of them as background, one for
    other classes is tested on the wrong names, and a corrupted validation file is
    noticed after hours of training.

    Args:
        compare_names (bool): Whether the names of the classes must agree, and not
            only their number. Defaults to True.
    """

    priority = 'VERY_HIGH'

    def __init__(self, compare_names: bool = True) -> None:
        self.compare_names = compare_names

    def before_run(self, runner: Runner) -> None:
        """Check all data sets that this run uses.

        Raises:
            ValueError: If the number of classes is not that of the model, the classes
                of the training, validation and test sets differ, a ground truth is
                not valid or not that of the data set, or the training would have no
                end, no iteration or no loss.
        """
        loaders = dict(_loaders(runner))
        for phase, loader in loaders.items():
            _check_num_classes(runner.model, _classes(loader.dataset), phase)
        if 'train' in loaders:
            _check_length(runner.train_loop, loaders['train'])
        if 'train' in loaders and self.compare_names:
            by_phase = {p: _classes(loader.dataset) for p, loader in loaders.items()}
            _check_same_classes({**by_phase, **_classes_of_test_set(runner)})
        if 'train' in loaders:
            _check_criteria(runner.model)
        for phase in loaders.keys() & {'val', 'test'}:
            loop = getattr(runner, f'{phase}_loop')
            _check_ground_truth(loop, phase, is_in_training='train' in loaders)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the classes of a checkpoint, where it knows them.

        Raises:
            ValueError: If they are others than those of the data, unless it is only
                what another training starts from.
        """
        phase, loader = next(_loaders(runner))
        stored, classes = _stored_classes(checkpoint), _classes(loader.dataset)
        if stored is None or classes is None or stored == classes:
            return
        if not self.compare_names:
            return
        message = (
            f'{runner._load_from or "The last checkpoint"} is for other classes than '
            f'`{phase}_dataloader`: {_differences(stored, classes)}.'
        )
        if phase == 'train' and not runner._resume:
            # Class heads of another size are random at first, see `StrictLoadHook`.
            print_log(message, logger='current', level=logging.WARNING)
            return
        raise UserValueError(
            f'{message} Choose the data set that it was trained for; where names are '
            'only spelled differently, set '
            'default_hooks.data_check.compare_names=False.'
        )


def _loaders(runner: Runner) -> Iterator[tuple[str, DataLoader]]:
    """The loaders that are built: those of this run."""
    for phase in ('train', 'val', 'test'):
        loop = getattr(runner, f'_{phase}_loop')
        if isinstance(loop, BaseLoop):
            yield phase, loop.dataloader


def _classes(dataset: Any) -> tuple[str, ...] | None:
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    return None if classes is None else tuple(classes)


def _stored_classes(checkpoint: dict) -> tuple[str, ...] | None:
    """Classes that a checkpoint was trained for, if it says so."""
    meta = checkpoint.get('meta')
    dataset_meta = meta.get('dataset_meta') if isinstance(meta, dict) else None
    classes = dataset_meta.get('classes') if isinstance(dataset_meta, dict) else None
    return tuple(classes) if isinstance(classes, (list, tuple)) else None


def _check_num_classes(
    model: nn.Module, classes: tuple[str, ...] | None, phase: str
) -> None:
    if classes is None:
        return
    model = _unwrapped(model)
    wrong: dict[str, int] = {}
    for name, module in model.named_modules():
        num_classes = getattr(module, 'num_classes', len(classes))
        # A backbone may have its own classifier, an RPN finds one class; the
        # parts of a head have the number from it.
        is_other = name.startswith('backbone') or name.endswith('rpn_head')
        is_inside = any(name.startswith(f'{outer}.') for outer in wrong)
        if num_classes != len(classes) and not is_other and not is_inside:
            wrong[name] = num_classes
    if wrong:
        given = ', '.join(f'model.{n}.num_classes is {num}' for n, num in wrong.items())
        raise UserValueError(
            f'{given}, but `{phase}_dataloader` has {len(classes)} classes: '
            f'{_listed(classes)}. Set num_classes to {len(classes)}, or choose classes '
            f'with {phase}_dataloader.dataset.metainfo.'
        )


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.get_submodule('module') if is_model_wrapper(model) else model


def _check_criteria(model: nn.Module) -> None:
    for name, module in _unwrapped(model).named_modules():
        if hasattr(module, 'criterion'):
            required_criterion(module.criterion, f'model.{name}')


def _check_ground_truth(loop: BaseLoop, phase: str, *, is_in_training: bool) -> None:
    # Without any sample, a metric only reads and checks its ground truth.
    loop.evaluator.process(data_samples=[])
    for metric in getattr(loop.evaluator, 'metrics', ()):
        if not isinstance(metric, VISMetric) or not is_main_process():
            continue
        if is_in_training and not (metric.has_annotations or metric.format_only):
            raise UserValueError(
                f'`{phase}_evaluator` has no annotations to compute AP with: '
                f'{metric.ground_truth_file} has none. Choose an annotated file, or '
                'train without validation: val_cfg=None val_dataloader=None '
                'val_evaluator=None.'
            )
        dataset = loop.dataloader.dataset
        is_clips = isinstance(dataset, BaseClipDataset)
        if is_clips and metric.ground_truth_file != dataset.ann_file:
            metric.check_videos(map(dataset.get_data_info, range(len(dataset))))


def _check_length(loop: BaseLoop, loader: DataLoader) -> None:
    is_mmengines = isinstance(loop, MMEngineEpochLoop)
    if (
        is_mmengines
        and not isinstance(loop, EpochBasedTrainLoop)
        and is_endless(loader)
    ):
        raise UserValueError(
            "`train_cfg` counts epochs with MMEngine's loop, but "
            '`train_dataloader.sampler` has no end, and neither would the first epoch. '
            "Write train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=...)."
        )
    if len(loader) == 0:
        dataset: Any = loader.dataset
        raise UserValueError(
            f'`train_dataloader` has no batch: its data set has {len(dataset)} '
            'samples, fewer than `batch_size`, and `drop_last` is set. Lower '
            'train_dataloader.batch_size.'
        )


def _check_same_classes(by_phase: dict[str, tuple[str, ...] | None]) -> None:
    expected = by_phase['train']
    if expected is None:
        return
    for phase, classes in by_phase.items():
        if classes is not None and classes != expected:
            raise UserValueError(
                f'The classes of `{phase}_dataloader` are not those of '
                f'`train_dataloader`: {_differences(expected, classes)}. Correct the '
                'categories of one of the annotation files, or set '
                '`dataset.metainfo.classes` of both.'
            )


def _classes_of_test_set(runner: Runner) -> dict[str, tuple[str, ...] | None]:
    """Classes of the test set, which a training does not build."""
    cfg = (runner.cfg.get('test_dataloader') or {}).get('dataset')
    val_cfg = (runner.cfg.get('val_dataloader') or {}).get('dataset')
    if cfg is None or cfg == val_cfg or not is_main_process():
        return {}
    dataset = DATASETS.build({**cfg, 'lazy_init': True})
    ann_file = getattr(dataset, 'ann_file', '')
    if not exists(ann_file):
        print_log(
            f'The classes of `test_dataloader` are not checked: {ann_file!r} does not '
            'exist.',
            logger='current',
        )
        return {}
    dataset.full_init()
    return dict(test=_classes(dataset))


def _differences(first: Sequence[str], second: Sequence[str]) -> str:
    """How two lists of classes differ."""
    if set(first) == set(second):
        return f'their order is {_listed(first)} and {_listed(second)}'
    only_first = [name for name in first if name not in second]
    only_second = [name for name in second if name not in first]
    return (
        f'{len(first)} and {len(second)} classes, {_listed(only_first) or "none"} only '
        f'in the former, {_listed(only_second) or "none"} only in the latter'
    )


def _listed(names: Sequence[str]) -> str:
    text = ', '.join(map(repr, names[:8]))
    return f'{text} and {len(names) - 8} more' if len(names) > 8 else text
