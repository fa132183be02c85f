import copy
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import MultiStepLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from mmvis.engine.resuming import check_resumable, find_last_checkpoint


@pytest.fixture
def runner():
    """What of a runner is looked at, after two steps; ``frozen`` never learns."""
    torch.manual_seed(0)
    model = nn.ModuleDict(dict(a=nn.Linear(2, 3), frozen=nn.Linear(3, 1)))
    model.frozen.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    wrapper = OptimWrapper(optimizer)
    for _ in range(2):
        wrapper.update_params(model.a(torch.ones(1, 2)).sum())
    schedule = MultiStepLR(wrapper, milestones=[3], by_epoch=False)
    return SimpleNamespace(
        optim_wrapper=wrapper,
        param_schedulers=[schedule],
        train_loop=SimpleNamespace(max_iters=9),
        _load_from='iter_2.pth',
    )


@pytest.fixture
def checkpoint(runner):
    """What MMEngine saves of it."""
    history = HistoryBuffer([0.5, 0.25], [1, 1])
    return copy.deepcopy(
        dict(
            meta=dict(epoch=0, iter=2, seed=7),
            message_hub=dict(
                log_scalars={'train/loss': history}, runtime_info={}, resumed_keys={}
            ),
            optimizer=runner.optim_wrapper.state_dict(),
            param_schedulers=[s.state_dict() for s in runner.param_schedulers],
        )
    )


def test_checkpoint_of_the_training_is_accepted(runner, checkpoint, caplog):
    check_resumable(runner, checkpoint)
    assert 'has no state of' not in caplog.text
    runner.optim_wrapper.load_state_dict(checkpoint['optimizer'])


def put(*place, value):
    """An edit of the checkpoint; None takes out."""

    def edit(checkpoint):
        *way, last = place
        for key in way:
            checkpoint = checkpoint[key]
        if value is None:
            del checkpoint[last]
        else:
            checkpoint[last] = value

    return edit


FIRST = ('optimizer', 'state', 0, 'exp_avg')
GROUP = ('optimizer', 'param_groups', 0)
NAN = float('nan')


@pytest.mark.parametrize(
    ('edit', 'message'),
    [
        (put('meta', value=None), "it has no 'meta'"),
        (put('meta', 'iter', value=None), "'meta.iter' is None, expected a number"),
        (put('meta', 'iter', value=-1), "'meta.iter' is -1"),
        (put('meta', 'iter', value=2.0), r"'meta.iter' is 2\.0"),
        (put('meta', 'iter', value=True), "'meta.iter' is True"),
        (put('meta', 'iter', value=10), "'meta.iter' is 10, .* trains for 9 iter"),
        (put('meta', 'iter', value=10**12), "'meta.iter' is 1000000000000, but"),
        (put('meta', 'epoch', value='1'), "'meta.epoch' is '1'"),
        (put('meta', 'seed', value=[1]), r"'meta.seed' is \[1\], expected a seed"),
        (put('meta', 'seed', value=2**32), "'meta.seed' is 4294967296, expected"),
        (put('message_hub', value=None), "it has no 'message_hub'"),
        (put('message_hub', 'resumed_keys', value=None), "it has no 'message_hub'"),
        (
            put('message_hub', 'log_scalars', value={'a\x1b': 1}),
            r"'message_hub.log_scalars' 'a\\x1b' is not a log history",
        ),
        (put('optimizer', value=None), "it has no 'optimizer'"),
        (put('optimizer', 'state', value=None), "it has no 'optimizer' with state"),
        (put('optimizer', 'param_groups', value=[]), 'other parameter groups'),
        (put(*GROUP, 'params', value=[0]), 'other parameter groups'),
        (put(*GROUP, 'betas', value=None), "lacks 'betas': .*another optimizer"),
        (put(*GROUP, 'lr', value=NAN), r"param_groups\[0\]' holds 'lr': nan"),
        (put(*GROUP, 'betas', value=(0.9,)), r"holds 'betas': \(0\.9,\)"),
        (put(*GROUP, 'lr', value='1'), "holds 'lr': '1'"),
        (put(*FIRST, value=torch.full((3, 2), NAN)), "'exp_avg' holds NaN"),
        (put(*FIRST, value=torch.ones(2, 3)), r'\(2, 3\), expected \(3, 2\)'),
        (put(*FIRST, value=None), r"state\[1\]' holds other values|other values"),
        (put(*FIRST, value=torch.ones(3, 2).int()), 'is of torch.int32'),
        (put(*FIRST, value='x'), "'exp_avg' is a str, expected a tensor"),
        (
            put('optimizer', 'state', 0, 'exp_avg_sq', value=-torch.ones(3, 2)),
            "'exp_avg_sq' holds negative",
        ),
        (put('optimizer', 'state', 9, value={}), r"state\[9\]' belongs to no param"),
        (put('optimizer', 'state', 'a', value={}), 'is not a dict by parameter'),
        (put('param_schedulers', value=None), "it has no 'param_schedulers'"),
        (put('param_schedulers', value=[]), "it has no 'param_schedulers'"),
        (put('param_schedulers', 0, 'gamma', value=NAN), "hold 'gamma': nan"),
        (put('ema_state_dict', value={'w': torch.tensor(NAN)}), "'w' holds NaN"),
    ],
)
def test_incomplete_or_invalid_state_is_refused(runner, checkpoint, edit, message):
    edit(checkpoint)
    with pytest.raises(ValueError, match=f'iter_2.pth cannot be resumed.*{message}'):
        check_resumable(runner, checkpoint)


@pytest.mark.parametrize(
    ('num_iters', 'num_epochs', 'is_right'),
    [
        *[(0, 0, True), (4, 1, True), (6, 1, True), (8, 1, True), (4, 0, True)],
        *[(4, 2, False), (5, 0, False), (4, 10**12, False)],
    ],
)
def test_epochs_are_as_long_as_those_of_the_config(
    runner, checkpoint, num_iters, num_epochs, is_right
):
    loader = DataLoader(range(8), batch_size=2)
    runner.train_loop = EpochBasedTrainLoop(runner, loader, max_epochs=2)
    checkpoint['meta'].update(iter=num_iters, epoch=num_epochs)
    if is_right:
        check_resumable(runner, checkpoint)
    else:
        with pytest.raises(ValueError, match='an epoch of the config has 4: the data'):
            check_resumable(runner, checkpoint)


@pytest.mark.parametrize(
    ('logs', 'counts'),
    [
        (np.array([1.0]), np.array([1, 1])),
        (np.array(['a']), np.array([1])),
        ([1.0], [1]),
        (np.ones((1, 1)), np.ones((1, 1))),
    ],
)
def test_log_histories_are_lists_of_numbers(runner, checkpoint, logs, counts):
    history = checkpoint['message_hub']['log_scalars']['train/loss']
    history._log_history, history._count_history = logs, counts
    with pytest.raises(ValueError, match="'train/loss' is not a log history"):
        check_resumable(runner, checkpoint)


def test_parameters_without_state_are_logged(runner, checkpoint, caplog):
    from mmengine.logging import MMLogger

    del checkpoint['optimizer']['state'][1]
    logger = MMLogger.get_instance('resuming')
    logger.addHandler(caplog.handler)
    check_resumable(runner, checkpoint)
    logger.removeHandler(caplog.handler)
    assert 'no state of 1 parameters' in caplog.text


def test_containers_that_contain_themselves_end(runner, checkpoint):
    circle = []
    circle.append(circle)
    checkpoint['param_schedulers'][0]['circle'] = circle
    check_resumable(runner, checkpoint)


def test_finds_the_checkpoint_written_last(tmp_path, capsys):
    (tmp_path / 'iter_abc.pth').touch()
    (tmp_path / 'iter_7.pth').mkdir()
    assert find_last_checkpoint(str(tmp_path)) is None
    for time, name in enumerate(['iter_900.pth', 'best_AP.pth', 'iter_50.pth']):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    assert find_last_checkpoint(str(tmp_path)) == str(tmp_path / 'iter_50.pth')
    assert 'iter_900.pth is older' in capsys.readouterr().err
    os.utime(tmp_path / 'iter_900.pth', (9, 9))
    assert find_last_checkpoint(str(tmp_path)) == str(tmp_path / 'iter_900.pth')
    assert capsys.readouterr().err == ''
