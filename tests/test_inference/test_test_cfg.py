import pytest

from mmvis.inference.test_cfg import TestCfg


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
