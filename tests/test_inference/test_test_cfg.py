import logging

import pytest
from mmengine.logging import MMLogger

from mmvis.inference.test_cfg import TestCfg


@pytest.mark.parametrize(
    ('num_seen', 'clip_len', 'clip_stride', 'expected'),
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
def test_clip_spans(num_seen, clip_len, clip_stride, expected):
    cfg = TestCfg(clip_len=clip_len, clip_stride=clip_stride)
    assert cfg.clip_spans(num_seen) == expected


@pytest.mark.parametrize('clip_len', range(1, 8))
@pytest.mark.parametrize('num_seen', [1, 2, 6, 13])
def test_clip_spans_leave_no_frame_out(num_seen, clip_len):
    for clip_stride in range(1, clip_len + 1):
        cfg = TestCfg(clip_len=clip_len, clip_stride=clip_stride)
        spans = cfg.clip_spans(num_seen)
        covered = {f for start, stop in spans for f in range(start, stop)}
        assert covered == set(range(num_seen))
        assert all(stop - start == min(clip_len, num_seen) for start, stop in spans)
        assert spans == sorted(set(spans))


@pytest.mark.parametrize(
    ('video_len', 'frame_stride', 'expected'),
    [
        (5, 1, [0, 1, 2, 3, 4]),
        (5, 2, [0, 2, 4]),
        (6, 2, [0, 2, 4, 5]),
        (3, 9, [0, 2]),
        (1, 4, [0]),
    ],
)
def test_seen_frames_include_the_last(video_len, frame_stride, expected):
    assert TestCfg(frame_stride=frame_stride).seen_frames(video_len) == expected


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


def test_offline_is_one_clip_up_to_the_limit(messages):
    cfg = TestCfg(clip_len=None, max_offline_frames=6)
    assert cfg.clip_spans(6) == [(0, 6)]
    assert messages == []


@pytest.mark.parametrize(
    ('clip_stride', 'expected'),
    [(None, [(0, 6), (3, 9), (5, 11)]), (5, [(0, 6), (5, 11)])],
)
def test_offline_switches_to_clips_with_a_log_line(messages, clip_stride, expected):
    cfg = TestCfg(clip_len=None, max_offline_frames=6, clip_stride=clip_stride)
    assert cfg.clip_spans(11) == expected
    assert len(messages) == 1
    assert 'A video of 11 frames' in messages[0]
    assert 'test_cfg.max_offline_frames=6' in messages[0]


@pytest.mark.parametrize(
    ('cfg', 'error', 'match'),
    [
        (dict(clip_len=0), ValueError, r'test_cfg\.clip_len` must be at least 1'),
        (dict(clip_len=2.5), TypeError, r'test_cfg\.clip_len` must be an integer'),
        (dict(clip_len=True), TypeError, r'test_cfg\.clip_len` must be an integer'),
        (
            dict(clip_len=5, clip_stride=6),
            ValueError,
            r'test_cfg\.clip_stride` must be in \[1, clip_len=5\].* got 6',
        ),
        (
            dict(clip_len=None, max_offline_frames=9, clip_stride=10),
            ValueError,
            r'clip_stride` must be in \[1, max_offline_frames=9\]',
        ),
        (dict(clip_stride=0), ValueError, r'test_cfg\.clip_stride` must be at least'),
        (dict(frame_stride=0), ValueError, r'test_cfg\.frame_stride` must be at least'),
        (dict(max_offline_frames=0), ValueError, r'test_cfg\.max_offline_frames`'),
        (dict(max_per_class=0), ValueError, r'test_cfg\.max_per_class` .* or None'),
        (dict(max_per_video=-1), ValueError, r'test_cfg\.max_per_video`'),
        (dict(score_thr=1.0), ValueError, r'test_cfg\.score_thr` .* got 1\.0'),
        (dict(score_thr='0.1'), ValueError, r"test_cfg\.score_thr` .* got '0\.1'"),
        (dict(multi_class=1), TypeError, r'test_cfg\.multi_class` must be True'),
        (dict(merger=dict(iou_thr=1)), ValueError, r'test_cfg\.merger` must name'),
        (dict(clip_length=5), KeyError, r'test_cfg\.clip_length` is unknown.*clip_len'),
    ],
)
def test_mistakes_name_their_key(cfg, error, match):
    with pytest.raises(error, match=match):
        TestCfg.from_dict(cfg)


def test_no_test_cfg_means_defaults():
    assert TestCfg.from_dict(None) == TestCfg.from_dict({}) == TestCfg()
