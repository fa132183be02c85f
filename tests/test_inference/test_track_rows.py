import pytest
import torch

from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_rows import select_rows

# 4 tracks, 2 classes and no-object.
PROBS = torch.tensor([[0.6, 0.3, 0.1], [0.005, 0.6, 0.395], [0.5, 0.5, 0], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ('cfg', 'expected'),
    [
        (dict(), [(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)]),
        (dict(score_thr=0.55), [(0, 0), (1, 1)]),
        (dict(score_thr=0.6), []),
        (dict(multi_class=False), [(0, 0), (1, 1), (2, 0), (3, 0)]),
        (dict(max_per_class=1), [(0, 0), (1, 1)]),
        (dict(max_per_class=2), [(0, 0), (1, 1), (2, 0), (2, 1)]),
        # Of equal scores the first track, and of it the first class.
        (dict(max_per_video=3), [(0, 0), (1, 1), (2, 0)]),
    ],
)
def test_rows_by_track_then_class(cfg, expected):
    tracks, labels, scores = select_rows(PROBS, TestCfg(**cfg))
    assert list(zip(tracks.tolist(), labels.tolist())) == expected
    assert scores.tolist() == [PROBS[t, k].item() for t, k in expected]


def test_no_tracks():
    tracks, labels, scores = select_rows(torch.zeros(0, 5), TestCfg())
    assert len(tracks) == len(labels) == len(scores) == 0


@pytest.mark.parametrize('cfg', [dict(max_per_class=3), dict(max_per_video=8)])
def test_a_track_without_row_among_some_has_none_among_all(cfg):
    probs = torch.rand(40, 6, generator=torch.Generator().manual_seed(0))
    cfg = TestCfg(**cfg)
    among_some = set(select_rows(probs[:20], cfg)[0].tolist())
    among_all = {t for t in select_rows(probs, cfg)[0].tolist() if t < 20}
    assert among_all <= among_some
    assert len(among_some) < 20


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize(
    ('cfg', 'expected'),
    [
        # Equal to the threshold is not above it.
        (dict(score_thr=0.3), [(0, 1), (2, 0), (2, 1)]),
        # Of equal classes and tracks the first.
        (dict(multi_class=False), [(0, 1), (1, 0), (2, 0)]),
        (dict(max_per_class=1), [(0, 1), (2, 0)]),
        (dict(max_per_video=2), [(0, 1), (2, 0)]),
        (dict(max_per_video=4), [(0, 1), (1, 0), (2, 0), (2, 1)]),
    ],
)
def test_rows_do_not_depend_on_rounding(cfg, expected, seed):
    probs = torch.tensor([[0.2, 0.4, 0.4], [0.3, 0.3, 0.4], [0.4, 0.4, 0.2]])
    noise = torch.rand(3, 3, generator=torch.Generator().manual_seed(seed))
    tracks, labels, _ = select_rows(probs + 2e-6 * (noise - 0.5), TestCfg(**cfg))
    assert list(zip(tracks.tolist(), labels.tolist())) == expected
