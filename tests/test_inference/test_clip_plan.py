import logging

import pytest
from mmengine.logging import MMLogger

from mmvis.inference.clip_plan import ClipPlan
from mmvis.inference.test_cfg import TestCfg


def cut(cfg, num_frames, is_known, step=1):
    """Clips of a video whose frames arrive ``step`` at a time, and what was final.

    Gives the clips, how many frames had come with each, and, after each step, the
    first position that was still needed.
    """
    plan = ClipPlan(cfg, num_frames if is_known else None)
    clips, arrivals, needed = [], [], []
    for num_seen in [*range(step, num_frames, step), num_frames]:
        has_ended = is_known and num_seen == num_frames
        while (clip := plan.next_clip(num_seen, has_ended)) is not None:
            clips.append(clip)
            arrivals.append(num_seen)
        needed.append(plan.first_needed(num_seen))
    while (clip := plan.next_clip(num_frames, True)) is not None:
        clips.append(clip)
        arrivals.append(num_frames)
    return clips, arrivals, needed


@pytest.mark.parametrize('is_known', [True, False])
@pytest.mark.parametrize(
    ('num_frames', 'clip_len', 'clip_stride', 'expected'),
    [
        (12, 5, 3, [(0, 5), (3, 8), (6, 11), (7, 12)]),
        (12, 5, 4, [(0, 5), (4, 9), (7, 12)]),
        (10, 5, 5, [(0, 5), (5, 10)]),
        (7, 5, None, [(0, 5), (1, 6), (2, 7)]),
        (5, 5, 1, [(0, 5)]),
        (4, 5, 1, [(0, 4)]),
        (1, 5, 1, [(0, 1)]),
        (3, 1, 1, [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_clips(num_frames, clip_len, clip_stride, expected, is_known):
    cfg = TestCfg(clip_len=clip_len, clip_stride=clip_stride)
    clips, arrivals, _ = cut(cfg, num_frames, is_known)
    assert clips == expected
    assert arrivals == [stop for _, stop in clips]
    assert cut(cfg, num_frames, is_known, step=4)[0] == expected


@pytest.mark.parametrize('clip_len', range(1, 8))
@pytest.mark.parametrize('num_frames', [1, 2, 6, 13])
def test_clips_leave_no_frame_out_and_use_none_that_was_final(num_frames, clip_len):
    for clip_stride in range(1, clip_len + 1):
        cfg = TestCfg(clip_len=clip_len, clip_stride=clip_stride)
        clips, arrivals, needed = cut(cfg, num_frames, is_known=False)
        known, _, needed_if_known = cut(cfg, num_frames, is_known=True)
        assert clips == known == sorted(set(clips))
        covered = {f for start, stop in clips for f in range(start, stop)}
        assert covered == set(range(num_frames))
        assert all(stop - start == min(clip_len, num_frames) for start, stop in clips)
        for first_needed in (needed, needed_if_known):
            for num_seen, first in enumerate(first_needed, 1):
                later = [c for c, n in zip(clips, arrivals) if n > num_seen]
                assert all(start >= first for start, _ in later)
        # Nothing is held longer than a clip and its successor need it.
        for num_seen, first in enumerate(needed, 1):
            assert num_seen - first <= clip_len + clip_stride
        if clip_stride == 1 and num_frames > clip_len:
            assert needed[:-1] == needed_if_known[:-1]


def test_online_frames_are_done_with_their_own_clip():
    assert cut(TestCfg(clip_len=1), 4, is_known=False)[2] == [1, 2, 3, 4]


class Messages(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


@pytest.fixture
def messages():
    logger, handler = MMLogger.get_current_instance(), Messages()
    logger.addHandler(handler)
    yield handler.texts
    logger.removeHandler(handler)


@pytest.mark.parametrize('is_known', [True, False])
def test_offline_is_one_clip_up_to_the_limit(messages, is_known):
    cfg = TestCfg(clip_len=None, max_offline_frames=6)
    assert cut(cfg, 6, is_known) == ([(0, 6)], [6], [0] * 5 + [0])
    assert messages == []


@pytest.mark.parametrize('is_known', [True, False])
@pytest.mark.parametrize(
    ('clip_stride', 'expected'),
    [(None, [(0, 6), (3, 9), (5, 11)]), (5, [(0, 6), (5, 11)])],
)
def test_offline_switches_to_clips_with_a_log_line(
    messages, clip_stride, expected, is_known
):
    cfg = TestCfg(clip_len=None, max_offline_frames=6, clip_stride=clip_stride)
    clips, arrivals, _ = cut(cfg, 11, is_known)
    assert clips == expected
    # Only the next frame tells an unknown video that it is too long.
    assert arrivals[0] == (6 if is_known else 7)
    assert len(messages) == 1
    assert f'A video of {"11" if is_known else "at least 7"} frames' in messages[0]
    assert 'test_cfg.max_offline_frames=6' in messages[0]


def test_is_whole_video():
    cfg = TestCfg(clip_len=None, max_offline_frames=6)
    assert ClipPlan(cfg, 6).is_whole_video
    assert not ClipPlan(cfg, 7).is_whole_video
    assert not ClipPlan(TestCfg(clip_len=6), 6).is_whole_video
