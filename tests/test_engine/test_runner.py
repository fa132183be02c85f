import io
import re
import sys

import cv2
import numpy as np
import pytest
import torch

AP = r'validation at 2: AP \d+\.\d, AP50 '


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def train(call_tool, tiny_config, tiny_shapes, tmp_path, capsys):
    """Train two iterations, validate; return the console and the log file."""

    def run(*args, options=()):
        root = f'{tiny_shapes}/'
        options = [
            *(
                f'{phase}_dataloader.dataset.data_root={root}'
                for phase in ('train', 'val', 'test')
            ),
            f'val_evaluator.ann_file={root}valid.json',
            'train_cfg.max_iters=2',
            'train_cfg.val_interval=2',
            *options,
        ]
        args = ['--work-dir', tmp_path, *args]
        call_tool('tools/train.py', tiny_config, *args, options=options)
        (log,) = tmp_path.glob('*/*.log')
        return capsys.readouterr().out, log.read_text()

    return run


def test_console_of_a_training_is_short(train, tmp_path):
    console, log = train()
    lines = [line.split(' ', 1)[1] for line in console.splitlines()]
    device = 'the CPU' if not torch.cuda.is_available() else '.*'
    patterns = [
        rf'on {device}; log: {tmp_path}/.*\.log',
        r'train 1/2 iterations, loss \d+\.\d+, lr 1\.0e-03, .* s/iteration, ETA 0:.*',
        r'train 2/2 iterations, loss .*, ETA 0:00:00',
        'Saving checkpoint at 2 iterations',
        r'validation 6/12 frames, .* s/frame, ETA 0:.*',
        r'validation 12/12 frames, .* ETA 0:00:00',
        f'{AP}.*',
    ]
    assert len(lines) == len(patterns), console
    for line, pattern in zip(lines, patterns):
        assert re.fullmatch(pattern, line)
    for text in ('System environment', 'Config:', 'Hooks will be', 'Iter(train) [1/2]'):
        assert text in log
    assert '| videos | AP ' in log
    assert 'Number of processes: 1' in log
    assert 'GPU number' not in log
    assert "'nccl'" not in log or torch.cuda.is_available()


def test_verbose_training_shows_what_is_logged(train):
    console, log = train('--verbose')
    texts = ('System environment', 'Config:', 'Hooks will be', 'Iter(train) [1/2]')
    for text in (*texts, '| videos | AP ', '"FileClient" will be deprecated'):
        assert text in console
        assert text in log
    assert 'train 1/2 iterations' not in console


def test_terminal_gets_a_bar_instead_of_lines(train, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    console, _ = train()
    assert 'train 1/2' not in console
    assert 'validation 6/12' not in console
    assert re.search(AP, console)
    bars = terminal.getvalue()
    assert re.search(r'train: .* 2/2 \[\d+:\d+<00:00, .*, loss=\d+\.\d+, lr=', bars)
    assert re.search(r'validation: .*/12 \[.* frames/s\]', bars)


def test_bar_ends_where_the_training_fails(train, monkeypatch, tmp_path):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    with pytest.raises(SystemExit):
        train(options=['optim_wrapper.optimizer.lr=1e30', 'train_cfg.max_iters=50'])
    bar, message = terminal.getvalue().rsplit('error: ', 1)
    assert 'train: ' in bar
    assert bar.endswith('\n')
    assert 'Training stopped at iteration' in message


def test_pictures_of_the_validation_go_to_the_tracker(train, tmp_path, tiny_shapes):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing import event_accumulator

    hooks = (
        "custom_hooks=[{'type':'ValidationImagesHook','num_videos':1,'score_thr':0}]"
    )
    train('--seed', 1, '--track', 'tensorboard', options=[hooks])
    (folder,) = tmp_path.glob('*/vis_data')
    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    assert [event.step for event in events.Scalars('loss')] == [1, 2]
    assert [event.step for event in events.Scalars('lr')] == [1, 2]
    assert [event.step for event in events.Scalars('youtube_vis/AP')] == [2]
    assert events.Tags()['images'] == ['validation_video_1']
    (picture,) = events.Images('validation_video_1')
    assert picture.step == 2
    stored = cv2.imread(str(folder / 'vis_image/validation_video_1_2.png'))
    sent = cv2.imdecode(np.frombuffer(picture.encoded_image_string, np.uint8), 1)
    assert (stored == sent).all()
    first = min((tiny_shapes / 'valid/JPEGImages').glob('*/*'))
    frame = cv2.resize(cv2.imread(str(first)), None, fx=4, fy=4).astype(int)
    shown = stored[:256, :384].astype(int)
    difference = np.abs(shown - frame).mean()
    # Red is not taken for blue.
    assert difference < np.abs(shown[..., ::-1] - frame).mean()
