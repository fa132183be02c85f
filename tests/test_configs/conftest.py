"""Built configs, in the numbers that papers state."""

from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from torch import nn
from torch.overrides import TorchFunctionMode

from mmvis.inference.test_cfg import TestCfg
from mmvis.registry import MODELS, TASK_UTILS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


class _LinspaceOnCPU(TorchFunctionMode):
    """Swin and PVT read the rates of their drop paths while they are built."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.linspace:
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


def the_one(values):
    """The value that all of them are."""
    values = list(values)
    assert values
    assert all(value == values[0] for value in values), values
    return values[0]


class BuiltConfig:
    """A leaf config: its parts as they are built, without the values of weights."""

    def __init__(self, name):
        init_default_scope('mmvis')
        self.name = name
        self.cfg = Config.fromfile(CONFIGS / f'{name}.py')
        self.cfg.model.backbone.init_cfg = None  # no downloads

    @cached_property
    def model(self):
        cfg = self.cfg.model
        with torch.device('meta'), _LinspaceOnCPU():
            names = [k for k in ('backbone', 'neck', 'head') if k in cfg]
            parts = {k: MODELS.build(cfg[k]) for k in names}
        parts['data_preprocessor'] = MODELS.build(cfg.data_preprocessor)
        return nn.ModuleDict(parts).train()

    def find(self, part, class_name):
        """All modules of a class in a part of the model."""
        modules = self.model[part].modules()
        return [m for m in modules if type(m).__name__ == class_name]

    @cached_property
    def test_cfg(self):
        return TestCfg.from_dict(self.cfg.model.test_cfg)

    @cached_property
    def merger(self):
        return TASK_UTILS.build(self.test_cfg.merger)

    @cached_property
    def optim_wrapper(self):
        cfg = self.cfg.optim_wrapper
        if cfg.type == 'AmpOptimWrapper':  # is not built without a GPU
            cfg = {**cfg, 'type': 'OptimWrapper'}
            del cfg['loss_scale']
        return build_optim_wrapper(self.model, cfg)

    @cached_property
    def schedulers(self):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        return [
            PARAM_SCHEDULERS.build(dict(cfg, optimizer=optimizer))
            for cfg in self.cfg.param_scheduler
        ]

    @cached_property
    def train_steps(self):
        return describe(Compose(self.cfg.train_dataloader.dataset.pipeline))

    @cached_property
    def test_steps(self):
        return describe(Compose(self.cfg.test_dataloader.dataset.pipeline))


def describe(pipeline, prefix=''):
    """Steps of a built pipeline that have numbers, one line for each."""
    lines = []
    for step in pipeline.transforms:
        name = type(step).__name__
        if name == 'TransformBroadcaster':
            drawn = 'clip: ' if step.share_random_params else 'frame: '
            lines += describe(step, drawn)
        elif name == 'RandomChoice':
            prob = step.prob or [1 / len(step.transforms)] * len(step.transforms)
            for p, branch in zip(prob, step.transforms):
                lines += [f'{p:g} of the clips: {line}' for line in describe(branch)]
        elif name in _STEPS:
            lines.append(prefix + _STEPS[name](step))
    return lines


def _size(resize, scales):
    long = sorted({max(scale) for scale in scales})
    assert resize.keep_ratio
    limit = 'any' if min(long) >= 100000 else f'<= {long[-1]}'
    return f'long {limit}, {resize.backend}'


def _choice(step):
    sides = [min(scale) for scale in step.scales]
    long = {max(scale) for scale in step.scales}
    if len(long) > 1:
        return f'resize to one of {sorted(step.scales)}'
    return f'resize, short one of {sides}, {_size(step.resize, step.scales)}'


def _between(step):
    (low, high) = (sorted(scale) for scale in step.scale)
    assert step.resize.keep_ratio
    return f'resize, short {low[0]} to {high[0]}, long {low[1]} to {high[1]}'


def _colours(step):
    return (
        f'colours, brightness {step.brightness_delta}, contrast '
        f'{step.contrast_lower} to {step.contrast_upper}, saturation '
        f'{step.saturation_lower} to {step.saturation_upper}, hue {step.hue_delta}'
    )


_STEPS = dict(
    SampleReferenceClip=lambda s: (
        f'{s.clip_len} frames within {s.frame_range} of a reference, '
        f'{"shuffled" if s.shuffle else "in order"}'
    ),
    SampleKeyFrameClip=lambda s: (
        f'{s.clip_len} frames of any time, {"in order" if s.sort else "unordered"}'
    ),
    SampleConsecutiveClip=lambda s: (
        f'{s.clip_len} consecutive frames, stride {s.frame_stride}'
        f'{", wrapped" if s.wrap else ""}'
    ),
    RandomChoiceResize=_choice,
    RandomResize=_between,
    Resize=lambda s: f'resize, short <= {min(s.scale)}, {_size(s, [s.scale])}',
    RandomFlip=lambda s: f'flip {s.direction} {s.prob:g}',
    RandomClipCrop=lambda s: f'crop, sides {s.min_size} to {s.max_size}',
    PhotoMetricDistortion=_colours,
)


def numbers_of_optimizer(built):
    """Rates, decay and clipping, from the groups of the built optimizer."""
    optimizer = built.optim_wrapper.optimizer
    names = {id(p): name for name, p in built.model.named_parameters()}
    rates = {'backbone': set(), 'rest': set()}
    decays = set()
    for group in optimizer.param_groups:
        for param in (p for p in group['params'] if p.requires_grad):
            part = names[id(param)].partition('.')[0]
            rates['backbone' if part == 'backbone' else 'rest'].add(group['lr'])
            decays.add(group['weight_decay'])
    group = optimizer.param_groups[0]
    return dict(
        optimizer=type(optimizer).__name__,
        betas=tuple(group['betas']),
        eps=group['eps'],
        lr=the_one(round(rate, 10) for rate in rates['rest']),
        backbone_lr=sorted(round(rate, 10) for rate in rates['backbone']),
        weight_decay=sorted(decays),
        clip_norm=built.optim_wrapper.clip_grad_kwargs['max_norm'],
        clip_norm_type=float(built.optim_wrapper.clip_grad_kwargs['norm_type']),
    )


def numbers_of_schedule(built):
    """Iterations, batch and steps of the learning rate."""
    *warm_ups, steps = built.schedulers
    cfg = built.cfg
    numbers = dict(
        max_iters=cfg.train_cfg.max_iters,
        milestones=sorted(steps.milestones),
        gamma=steps.gamma,
        by_epoch=any(s.by_epoch for s in built.schedulers),
        # MMEngine's total counts both ends of the warm-up.
        warm_up=[(s.start_factor, s.total_iters) for s in warm_ups],
        clips_per_update=cfg.auto_scale_lr.base_batch_size,
        clips_per_process=cfg.train_dataloader.batch_size,
    )
    sampler = cfg.train_dataloader.sampler
    assert sampler.type == 'SeededInfiniteSampler'
    assert sampler.shuffle
    numbers['once_per'] = sampler.get('once_per', 'video')
    return numbers


def merge_entries(table, name):
    """Merge the entries whose pattern fits a config, the later ones last."""
    found = [value for pattern, value in table.items() if fnmatchcase(name, pattern)]
    if not isinstance(found[-1], dict):
        return found[-1]
    return {key: value for entry in found for key, value in entry.items()}


@cache
def build(name):
    return BuiltConfig(name)


@pytest.fixture(scope='session')
def built():
    """Gives :class:`BuiltConfig` by the name of a leaf."""
    return build


@pytest.fixture(scope='session')
def describe_steps():
    """Gives :func:`describe` of a pipeline's configs."""
    return lambda pipeline: describe(Compose(pipeline))


@pytest.fixture(scope='session')
def optimizer_numbers():
    return numbers_of_optimizer


@pytest.fixture(scope='session')
def schedule_numbers():
    return numbers_of_schedule


@pytest.fixture(scope='session', name='the_one')
def the_one_fixture():
    """Gives the value that all of an iterable are."""
    return the_one


@pytest.fixture(scope='session')
def look_up():
    """Gives what a table of patterns says about a config."""
    return merge_entries
