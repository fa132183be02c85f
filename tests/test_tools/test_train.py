import shutil
import sys
import time
from pathlib import Path

import pytest
import torch

from mmvis.apis import VISInferencer, init_model

REPO = Path(__file__).parents[2]
# One size for all clips, so that none is padded; nothing random in the model.
COMPARABLE = [
    'model.neck.layer.dropout=0',
    'model.head.decoder.layer.dropout=0',
    'train_dataloader.dataset.pipeline.3.transforms.0.scales=[(120,64)]',
]


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


def largest_difference(path_a, path_b):
    a, b = weights(path_a), weights(path_b)
    assert a.keys() == b.keys()
    return max((a[key].double() - b[key].double()).abs().max().item() for key in a)


@pytest.fixture
def train(call_tool, tiny_config, tiny_options):
    def run(work_dir, *args, options=()):
        args = ['--work-dir', work_dir, *args]
        call_tool(
            'tools/train.py', tiny_config, *args, options=[*tiny_options, *options]
        )

    return run


def test_resumed_training_equals_uninterrupted_one(train, tmp_path):
    train(tmp_path / 'whole')
    (tmp_path / 'resumed').mkdir()
    shutil.copy(tmp_path / 'whole/iter_2.pth', tmp_path / 'resumed')
    # No seed is given: it comes from the checkpoint. Workers must not matter.
    workers = ['train_dataloader.num_workers=2']
    train(tmp_path / 'resumed', '--resume', options=workers)

    assert largest_difference(*tmp_path.glob('*/iter_4.pth')) == 0
    moved = largest_difference(*(tmp_path / 'whole').glob('iter_*.pth'))
    assert moved > 1e-4


def test_seed_decides_the_result(train, tmp_path):
    short = ['train_cfg.max_iters=2']
    for name, seed in dict(a=5, b=5, c=6).items():
        train(tmp_path / name, '--seed', seed, options=short)
    a, b, c = (tmp_path / name / 'iter_2.pth' for name in 'abc')
    assert largest_difference(a, b) == 0
    assert largest_difference(a, c) > 1e-4


def test_resume_without_checkpoint_starts(train, tmp_path):
    train(tmp_path, '--resume', options=['train_cfg.max_iters=2'])
    assert (tmp_path / 'iter_2.pth').is_file()


def test_finished_training_stays_as_it_is(train, tmp_path):
    short = ['train_cfg.max_iters=2']
    train(tmp_path, options=short)
    content = (tmp_path / 'iter_2.pth').read_bytes()
    train(tmp_path, '--resume', options=short)
    assert (tmp_path / 'iter_2.pth').read_bytes() == content


def test_killed_training_goes_on_exactly(
    train, start_process, tiny_config, tiny_options, tmp_path
):
    command = [tiny_config, '--seed', 3, '--work-dir', tmp_path / 'killed']
    command += ['--cfg-options', *tiny_options, 'train_cfg.max_iters=100000']
    process = start_process('/bin/sh', '-c', 'exec "$PYTHON" "$@"', 'sh',
                            REPO / 'tools/train.py', *command)  # fmt: skip
    while not (tmp_path / 'killed/iter_4.pth').is_file():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    last = max(
        int(path.stem.split('_')[1]) for path in tmp_path.glob('killed/iter_*.pth')
    )
    end = [f'train_cfg.max_iters={last + 2}']
    train(tmp_path / 'killed', '--resume', options=end)
    train(tmp_path / 'whole', '--seed', 3, options=end)

    assert largest_difference(*tmp_path.glob(f'*/iter_{last + 2}.pth')) == 0


def test_two_processes_equal_one_with_their_batches(
    train, start_process, free_port, tiny_config, tiny_options, tmp_path
):
    command = [tiny_config, 2, '--seed', 1, '--work-dir', tmp_path / 'two']
    command += ['--cfg-options', *tiny_options, *COMPARABLE]
    process = start_process(
        REPO / 'tools/dist_train.sh',
        *command,
        PORT=free_port,
        CUDA_VISIBLE_DEVICES='',
    )
    output, _ = process.communicate()
    assert process.returncode == 0, output

    batch = ['train_dataloader.batch_size=2']
    train(tmp_path / 'one', '--seed', 1, options=[*COMPARABLE, *batch])
    # Sums are in another order; AdamW divides small gradients by their size.
    difference = largest_difference(*tmp_path.glob('*/iter_4.pth'))
    assert difference < 2e-5
    moved = largest_difference(*(tmp_path / 'one').glob('iter_*.pth'))
    assert moved > 100 * difference


def test_nan_loss_stops_at_once(train, tmp_path, capsys):
    options = ['optim_wrapper.optimizer.lr=1e20', 'optim_wrapper.clip_grad=None']
    with pytest.raises(SystemExit) as stop:
        train(tmp_path, options=options)
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert 'Training stopped at iteration 2: d0.loss_cls = nan' in message
    assert not list(tmp_path.glob('iter_*.pth'))


def test_class_head_of_another_training(train, tmp_path, capsys, caplog):
    short = ['train_cfg.max_iters=2']
    classes = '[disc,box,triangle,ring]'
    train(
        tmp_path / 'other',
        options=[
            *short,
            'model.head.num_classes=4',
            f'train_dataloader.dataset.metainfo.classes={classes}',
            f'test_dataloader.dataset.metainfo.classes={classes}',
        ],
    )
    checkpoint = tmp_path / 'other/iter_2.pth'
    options = [*short, f'load_from={checkpoint}', 'optim_wrapper.optimizer.lr=0']

    none = 'default_hooks.strict_load.new_heads=[]'
    with pytest.raises(SystemExit):
        train(tmp_path / 'refused', options=[*options, none])
    message = capsys.readouterr().err
    assert f'{checkpoint} does not fit the model IFC: 2 of another shape' in message
    assert 'head.class_embed.layers.1.weight (5, 32) instead of (6, 32)' in message

    train(tmp_path / 'new', options=options)
    old, new = weights(checkpoint), weights(tmp_path / 'new/iter_2.pth')
    differing = {key for key in new if not torch.equal(old[key], new[key])}
    assert differing == {f'head.class_embed.layers.1.{k}' for k in ('weight', 'bias')}


@pytest.mark.parametrize('joined', ['ConcatDataset', 'MixedClipDataset'])
def test_names_of_classes_survive_joined_data_sets(
    call_tool, tiny_config, tiny_options, tmp_path, joined
):
    config = tmp_path / 'joined.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        'one = {{_base_.train_dataloader.dataset}}\n'
        'train_dataloader = dict(dataset=dict(\n'
        f"    _delete_=True, type='{joined}', datasets=[one, one]))\n"
    )
    roots = [
        option.replace('dataset.', f'dataset.datasets.{i}.', 1)
        for option in tiny_options
        if option.startswith('train_dataloader.dataset.')
        for i in range(2)
    ]
    others = [o for o in tiny_options if not o.startswith('train_dataloader.dataset.')]
    options = [*others, *roots, 'train_cfg.max_iters=1', 'val_cfg=None']
    options += ['val_dataloader=None', 'val_evaluator=None']
    options += ['default_hooks.checkpoint.interval=1']
    call_tool('tools/train.py', config, '--work-dir', tmp_path, options=options)
    names = ('disc', 'box', 'triangle', 'ring', 'cross')
    checkpoint = tmp_path / 'iter_1.pth'
    assert init_model(tiny_config, checkpoint).dataset_meta['classes'] == names
    assert VISInferencer(config, checkpoint).classes == names


@pytest.mark.parametrize(
    ('args', 'options', 'message'),
    [
        (['--amp'], [], '--amp needs a GPU'),
        (['--auto-scale-lr'], ['auto_scale_lr=None'], 'auto_scale_lr.base_batch_size'),
        (
            [],
            ['model.head.type=IFCHaed'],
            "`model.head.type` is 'IFCHaed', which",
        ),
        (
            [],
            ['model.head.num_querys=3'],
            "has no argument 'num_querys'. Did you",
        ),
        (
            [],
            ['model.head.num_classes=4'],
            'model.head.num_classes is 4, but',
        ),
        ([], ['train_cfg=None'], '`train_cfg` is needed for a training'),
        ([], ['model.backbone.depth=19'], 'invalid depth 19 for resnet'),
        ([], ['model.test_cfg.clip_len=0'], '`model.test_cfg.clip_len` must be at'),
        (
            [],
            ['train_dataloader.dataset.pipeline.0.clip_len=0'],
            '`clip_len` must be at least 1, got 0',
        ),
        (
            [],
            ['train_dataloader.dataset.ann_file=no.json'],
            'no.json',
        ),
        (['--resume', 'no.pth'], [], "no such checkpoint file: 'no.pth'"),
    ],
)
def test_mistakes_are_one_message(
    train, tmp_path, capsys, monkeypatch, args, options, message
):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(SystemExit) as stop:
        train(tmp_path, *args, options=options)
    assert stop.value.code == 2
    (line,) = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith('error: ')
    ]
    assert 'ifc_tiny.py: ' in line
    assert message in line


def test_resuming_follows_the_config(train, tmp_path, capsys):
    train(tmp_path, '--seed', 1, options=['train_cfg.max_iters=2'])
    with pytest.raises(SystemExit):
        train(
            tmp_path,
            '--resume',
            options=['optim_wrapper.optimizer={"type":"SGD","lr":0.1,"_delete_":True}'],
        )
    assert 'another optimizer' in capsys.readouterr().err

    train(tmp_path, '--resume', options=['param_scheduler.0.milestones=[1]'])
    checkpoint = torch.load(tmp_path / 'iter_4.pth', weights_only=False)
    (rate,) = {group['lr'] for group in checkpoint['optimizer']['param_groups']}
    assert rate == pytest.approx(1e-4)
    assert 'lr 0.001 -> 0.0001' in capsys.readouterr().out


def test_runner_type_is_built(train, tmp_path, capsys):
    flexible = ['runner_type=FlexibleRunner', 'train_cfg.max_iters=2']
    train(tmp_path, '--seed', 1, options=flexible)
    train(tmp_path, '--resume', options=[*flexible, 'train_cfg.max_iters=4'])
    assert (tmp_path / 'iter_4.pth').is_file()
    with pytest.raises(SystemExit):
        train(tmp_path, options=['runner_type=FlexibelRunner'])
    message = "`runner_type` is 'FlexibelRunner', which is no runner"
    assert message in capsys.readouterr().err


def test_second_run_in_a_work_dir(train, start_process, tmp_path, capsys):
    code = (
        'import sys, time\n'
        'from mmvis.engine.run_lock import run_lock\n'
        "with run_lock(sys.argv[1], 'train'):\n"
        "    print('held', flush=True)\n"
        '    time.sleep(1e6)\n'
    )
    process = start_process(sys.executable, '-c', code, tmp_path)
    assert process.stdout.readline() == 'held\n'
    with pytest.raises(SystemExit) as stop:
        train(tmp_path)
    assert stop.value.code == 2
    assert f'process {process.pid} on' in capsys.readouterr().err
    assert not list(tmp_path.glob('*.pth'))


def test_missing_config(call_tool, capsys):
    with pytest.raises(SystemExit):
        call_tool('tools/train.py', 'configs/no.py')
    assert 'error: configs/no.py: there is no such config' in capsys.readouterr().err


def test_help_has_examples(call_tool, capsys):
    for name in ('train', 'test'):
        with pytest.raises(SystemExit) as stop:
            call_tool(f'tools/{name}.py', '--help')
        assert stop.value.code == 0
        assert f'tools/dist_{name}.sh configs/ifc_r50.py' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['dist_train', 'dist_test', 'slurm_train'])
def test_scripts_have_help(start_process, name):
    process = start_process(REPO / f'tools/{name}.sh')
    output, _ = process.communicate()
    assert process.returncode == 2
    assert f'tools/{name}.sh' in output
