"""Corrupted, hostile and other projects' checkpoints, given to the tools."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

from mmvis import atomic_file
from mmvis.converters.checkpoint_file import write_checkpoint

SHORT = 'train_cfg.max_iters=2'


@pytest.fixture
def train(call_tool, tiny_config, tiny_options):
    def run(work_dir, *args, options=(), config=tiny_config):
        args = ['--work-dir', work_dir, '--seed', 1, *args]
        call_tool('tools/train.py', config, *args, options=[*tiny_options, *options])

    return run


@pytest.fixture
def evaluate(call_tool, tiny_config, tiny_options, tmp_path):
    def run(checkpoint, *args):
        args = ['--work-dir', tmp_path / 'work', *args]
        call_tool('tools/test.py', tiny_config, checkpoint, *args, options=tiny_options)

    return run


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('trained')


@pytest.fixture
def checkpoint(folder, train):
    """A checkpoint of a training of two iterations."""
    if not (folder / 'iter_2.pth').is_file():
        train(folder, options=[SHORT])
    return folder / 'iter_2.pth'


@pytest.fixture
def edited(checkpoint, tmp_path):
    def run(edit):
        content = torch.load(checkpoint, weights_only=False)
        edit(content)
        torch.save(content, tmp_path / 'bad.pth')
        return tmp_path / 'bad.pth'

    return run


@pytest.fixture
def error(capsys):
    """Run something that must end with one message; return the message."""

    def run(function, *args, **options):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            function(*args, **options)
        assert end.value.code == 2
        message = capsys.readouterr().err
        assert 'error: ' in message
        assert 'Traceback' not in message
        return message

    return run


def test_resume_runs_no_code_of_a_checkpoint(train, edited, tmp_path):
    """MMEngine's `Runner.resume` executes the text under meta.config as Python."""
    proof = tmp_path / 'proof'
    code = f'import os\nos.mkdir({str(proof)!r})\n'
    bad = edited(lambda content: content['meta'].update(config=code, cfg=code))
    train(tmp_path / 'work', '--resume', bad, options=['train_cfg.max_iters=3'])
    assert not proof.exists()


def without(*keys):
    return lambda content: [content.pop(key) for key in keys]


def spoil_moment(content):
    content['optimizer']['state'][3]['exp_avg'][0] = float('nan')


@pytest.mark.parametrize(
    ('edit', 'message'),
    [
        (without('optimizer'), "it has no 'optimizer'"),
        (without('meta'), "it has no 'meta'"),
        (without('message_hub'), "it has no 'message_hub'"),
        (without('param_schedulers'), "it has no 'param_schedulers'"),
        (spoil_moment, "'optimizer.state[3]' 'exp_avg' holds NaN"),
    ],
)
def test_resume_needs_all_state(train, edited, error, tmp_path, edit, message):
    bad = edited(edit)
    options = ['train_cfg.max_iters=3']
    text = error(train, tmp_path / 'work', '--resume', bad, options=options)
    assert f'{bad} cannot be resumed: {message}' in text


def test_weights_that_are_nan_are_refused(evaluate, edited, error):
    def spoil(content):
        content['state_dict']['backbone.conv1.weight'].fill_(float('nan'))

    text = error(evaluate, edited(spoil))
    assert "bad.pth: entry 'backbone.conv1.weight' holds NaN" in text


def test_backbone_of_another_network_is_refused(
    train, edited, error, tiny_config, tmp_path
):
    """MMEngine starts at random, with a warning in the log."""

    def rename(content):
        weights = content['state_dict']
        content['state_dict'] = {f'other.{n}': v for n, v in weights.items()}

    init_cfg = dict(
        type='Pretrained', checkpoint=str(edited(rename)), prefix='backbone.'
    )
    config = tmp_path / 'config.py'
    config.write_text(
        f'_base_ = {str(tiny_config)!r}\nmodel = dict(backbone=dict('
        f'init_cfg=dict(_delete_=True, **{init_cfg})))\n'
    )
    text = error(train, tmp_path / 'work', config=config, options=[SHORT])
    assert 'bad.pth, which is a checkpoint of another network' in text


def test_half_written_checkpoint_of_a_killed_run_is_removed(
    train, tmp_path, monkeypatch
):
    """Every kill while a checkpoint is written left its size on the disk for good."""
    write_bytes = Path.write_bytes

    def half(self, content):
        if 'iter_' in self.name:
            write_bytes(self, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write_bytes(self, content)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Path, 'write_bytes', half)
        train(tmp_path, options=[SHORT])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert [path.name for path in tmp_path.glob('.iter_2.*.partial.pth')]
    monkeypatch.setattr(atomic_file, '_clean_folders', set())  # a new process
    train(tmp_path, '--resume', options=[SHORT])
    assert [path.name for path in tmp_path.iterdir() if 'partial' in path.name] == []


def test_weights_in_a_package_are_trained_on_and_tested(
    train, evaluate, checkpoint, tmp_path, monkeypatch
):
    package = tmp_path / 'site' / 'tiny_weights'
    package.mkdir(parents=True)
    (package / '__init__.py').touch()
    monkeypatch.syspath_prepend(str(package.parent))
    weights = torch.load(checkpoint, weights_only=False)['state_dict']
    write_checkpoint(weights, package / 'ifc.safetensors', {})
    shutil.copy(checkpoint, package)

    evaluate('package://tiny_weights/ifc.safetensors')
    results = (tmp_path / 'work' / 'results.json').read_bytes()
    evaluate(checkpoint)
    assert (tmp_path / 'work' / 'results.json').read_bytes() == results

    name = 'package://tiny_weights/ifc.safetensors'
    frozen = [SHORT, f'load_from={name}', 'optim_wrapper.optimizer.lr=0']
    train(tmp_path / 'new', options=frozen)
    found = torch.load(tmp_path / 'new/iter_2.pth', weights_only=False)['state_dict']
    assert torch.equal(found['head.decoder.query_embed.weight'],
                       weights['head.decoder.query_embed.weight'])  # fmt: skip
    init_cfg = dict(
        _delete_=True, type='Pretrained', prefix='backbone.', checkpoint=name
    )
    frozen = [
        SHORT,
        f'model.backbone.init_cfg={init_cfg}',
        'optim_wrapper.optimizer.lr=0',
    ]
    train(tmp_path / 'init', options=frozen)
    found = torch.load(tmp_path / 'init/iter_2.pth', weights_only=False)['state_dict']
    assert torch.equal(found['backbone.conv1.weight'], weights['backbone.conv1.weight'])
