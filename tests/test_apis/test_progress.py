import os
import signal

import pytest

from mmvis.apis.progress import describe_clips, frame_bar, on_first_interrupt
from mmvis.inference import TestCfg


@pytest.mark.parametrize(
    ('cfg', 'num_frames', 'expected'),
    [
        (TestCfg(clip_len=5), 289, 'clips of 5 frames, one every 1'),
        (TestCfg(clip_len=5, clip_stride=3), None, 'clips of 5 frames, one every 3'),
        (TestCfg(clip_len=1), 9, 'frame by frame'),
        (TestCfg(clip_len=None), 100, 'one clip'),
        (TestCfg(clip_len=None), 101, 'clips of 100 frames, one every 50'),
        (
            TestCfg(clip_len=None, max_offline_frames=36),
            None,
            'one clip up to 36 frames, then clips of 36',
        ),
        (TestCfg(clip_len=None, frame_stride=3), 300, 'one clip, one frame in 3'),
    ],
)
def test_how_a_video_is_cut(cfg, num_frames, expected):
    assert describe_clips(cfg, num_frames) == expected


def test_bar_counts_frames(capsys):
    for num_frames, said in ((5, '5/5'), (None, '5/?')):
        with frame_bar('model', num_frames, show=True) as advance:
            advance(2)
            advance(3)
        err = capsys.readouterr().err
        assert said in err
        assert 'frames/s' in err
    with frame_bar('model', 5, show=False) as advance:
        advance(2)
    assert capsys.readouterr().err == ''


def test_first_interrupt_stops_and_second_interrupts(capsys, sigint):
    stopped = []
    with on_first_interrupt(lambda: stopped.append(1)):
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped == [1]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert 'interrupted: finishing with the frames so far' in capsys.readouterr().err
