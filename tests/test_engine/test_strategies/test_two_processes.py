"""Two processes that share a training, through the script that people start."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

REPO = Path(__file__).parents[3]
# One size for all clips, so that none is padded; nothing random in the model.
OPTIONS = [
    'model.neck.layer.dropout=0',
    'model.head.decoder.layer.dropout=0',
    'train_dataloader.dataset.pipeline.3.transforms.0.scales=[(120,64)]',
]
LEARNING_RATES = [
    'model.backbone.frozen_stages=1',
    'optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult=0.1',
]


@pytest.fixture
def train(call_tool, tiny_config, tiny_options):
    """One process with the clips of both."""

    def run(work_dir, *args, options=()):
        batch = 'train_dataloader.batch_size=2'
        options = [*tiny_options, *OPTIONS, *options, batch]
        args = ['--work-dir', work_dir, '--seed', 1, *args]
        call_tool('tools/train.py', tiny_config, *args, options=options)

    return run


@pytest.fixture(params=['FSDPStrategy', 'DeepSpeedStrategy'])
def strategy(request):
    if request.param == 'DeepSpeedStrategy' and find_spec('deepspeed') is None:
        pytest.skip('DeepSpeed is not installed')
    return request.param


@pytest.fixture
def train_shared(start_process, free_port, tiny_config, strategy):
    def run(work_dir, *args, options):
        command = [tiny_config, 2, '--work-dir', work_dir, '--seed', 1, *args]
        command += ['--cfg-options', *OPTIONS, 'runner_type=FlexibleRunner']
        command += [f'strategy.type={strategy}', *options]
        script = REPO / 'tools/dist_train.sh'
        process = start_process(
            script, *command, PORT=free_port, CUDA_VISIBLE_DEVICES=''
        )
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    return run


def states(path):
    """Weights and moments of the optimizer; all by name, or number and name."""
    checkpoint = torch.load(path, weights_only=False)
    moments = {
        f'{number}.{name}': value
        for number, state in checkpoint['optimizer']['state'].items()
        for name, value in state.items()
    }
    return checkpoint['state_dict'], moments


def assert_same_training(path_a, path_b):
    """As two processes are one: sums are in another order."""
    (weights_a, moments_a), (weights_b, moments_b) = states(path_a), states(path_b)
    for a, b in ((weights_a, weights_b), (moments_a, moments_b)):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].shape == b[name].shape
            torch.testing.assert_close(a[name], b[name], rtol=1e-4, atol=2e-5)


@pytest.mark.slow  # three trainings, one of them of two processes
def test_two_processes_equal_one_which_goes_on_from_theirs(
    train, train_shared, strategy, tiny_shapes, tiny_options, tmp_path
):
    """The second process has no video to validate, and does not wait for any."""
    data = [option for option in tiny_options if 'dataset.data_root' in option]
    options = [
        *data,
        f'val_dataloader.dataset.data_root={tiny_shapes}/',
        f'val_evaluator.ann_file={tiny_shapes}/valid.json',
        'val_dataloader.dataset.indices=1',
        'val_evaluator.format_only=True',
        f'val_evaluator.outfile_prefix={tmp_path}/validation',
        'train_cfg.val_interval=2',
    ]
    output = train_shared(tmp_path / 'two', options=options)
    if strategy == 'FSDPStrategy':
        assert '8 blocks are gathered' in output  # of a ResNet-18
    assert json.loads((tmp_path / 'validation.json').read_text())
    train(tmp_path / 'one')
    assert_same_training(*tmp_path.glob('*/iter_4.pth'))
    first, last = (states(tmp_path / f'one/iter_{i}.pth')[0] for i in (2, 4))
    moved = max((last[n] - first[n]).abs().max().item() for n in first)
    assert moved > 20 * 2e-5

    (tmp_path / 'on').mkdir()
    shutil.copy(tmp_path / 'two/iter_2.pth', tmp_path / 'on')
    train(tmp_path / 'on', '--resume')
    assert_same_training(tmp_path / 'on/iter_4.pth', tmp_path / 'one/iter_4.pth')


@pytest.mark.slow
@pytest.mark.parametrize('options', [[], LEARNING_RATES], ids=['one rate', 'rates'])
def test_two_processes_go_on_from_one(
    train, train_shared, tiny_options, tmp_path, options
):
    """With activations that are computed again, which must change nothing."""
    train(tmp_path / 'one', options=options)
    (tmp_path / 'two').mkdir()
    shutil.copy(tmp_path / 'one/iter_2.pth', tmp_path / 'two')
    options = [*tiny_options, *options, 'model.backbone.with_cp=True']
    train_shared(tmp_path / 'two', '--resume', options=options)
    assert_same_training(*tmp_path.glob('*/iter_4.pth'))


@pytest.mark.slow
def test_the_last_step_of_accumulated_gradients_may_have_fewer(
    train, train_shared, tiny_options, tmp_path
):
    """Four iterations are steps of three and of one."""
    options = [*LEARNING_RATES, 'optim_wrapper.accumulative_counts=3']
    train(tmp_path / 'one', options=options)
    train_shared(tmp_path / 'two', options=[*tiny_options, *options])
    assert_same_training(*tmp_path.glob('*/iter_4.pth'))
