import numpy as np
import pytest

from mmvis.visualization.draw_tracks import draw_tracks, enlargement
from mmvis.visualization.labels import LabelLayout
from mmvis.visualization.palette import track_colour

CLASSES = ('cat', 'dog')


def test_mask_is_blended_and_the_rest_left(frames, tracks):
    image = draw_tracks(frames[3], tracks, 3, CLASSES, alpha=0.5)
    expected = np.array(track_colour(3)) / 2 + 15
    assert np.abs(image[55, 75] - expected).max() <= 1
    assert image[65:].tolist() == frames[3][65:].tolist()
    assert (frames[3] == 30).all()


def test_outline_has_the_full_colour(frames, tracks):
    image = draw_tracks(frames[3], tracks, 3, CLASSES)
    assert np.abs(image[59, 75].astype(int) - track_colour(3)).max() < 40


def test_absent_track_leaves_the_frame_as_it_was(frames, tracks):
    assert np.array_equal(draw_tracks(frames[2], tracks, 2, CLASSES), frames[2])


def test_score_threshold_decides(frames, tracks):
    assert (draw_tracks(frames[0], tracks, 0, CLASSES)[70, 100] == 0).all()
    low = draw_tracks(frames[0], tracks, 0, CLASSES, score_thr=0.05)
    assert np.abs(low[70, 100] - 0.4 * np.array(track_colour(0))).max() <= 1


def test_higher_score_lies_on_top(frames, tracks):
    both = draw_tracks(frames[3], tracks, 3, CLASSES, score_thr=0.0, alpha=1.0)
    assert tuple(both[55, 75].tolist()) == track_colour(3)
    tracks.scores = tracks.scores.flip(0)
    both = draw_tracks(frames[3], tracks, 3, CLASSES, score_thr=0.0, alpha=1.0)
    assert tuple(both[55, 75].tolist()) == track_colour(0)


def test_ground_truth_has_no_scores(frames, tracks):
    del tracks.scores
    image = draw_tracks(frames[2], tracks, 2, CLASSES)
    assert (image[70, 100] != frames[2][70, 100]).any()


def test_image_is_enlarged(frames, tracks):
    image = draw_tracks(frames[3], tracks, 3, CLASSES, scale=4)
    assert image.shape == (320, 480, 3)
    assert np.abs(image[239, 300].astype(int) - track_colour(3)).max() < 40
    assert (image[245:] == 30).all()


def test_counts_of_a_json_are_drawn_too(frames, tracks):
    expected = draw_tracks(frames[3], tracks, 3, CLASSES)
    tracks.masks[0][3]['counts'] = tracks.masks[0][3]['counts'].decode()
    assert np.array_equal(draw_tracks(frames[3], tracks, 3, CLASSES), expected)


def test_wrong_records_are_refused(frames, tracks):
    with pytest.raises(ValueError, match='track 3 has masks for 5 frames, but frame 5'):
        draw_tracks(frames[0], tracks, 5, CLASSES)
    with pytest.raises(ValueError, match=r'mask of \(h, w\) = \(80, 120\) in frame 0'):
        draw_tracks(frames[0][:30], tracks, 0, CLASSES)
    with pytest.raises(ValueError, match='label 1, but there are 1 class names'):
        draw_tracks(frames[0], tracks, 0, CLASSES[:1])


@pytest.mark.parametrize(('side', 'factor'), [(96, 3), (240, 1), (239, 2), (720, 1)])
def test_enlargement_reaches_the_side(side, factor):
    assert enlargement(np.zeros((side, 2 * side, 3)), 240) == factor


def test_boxes_are_drawn_on_request(frames, tracks):
    plain = draw_tracks(frames[3], tracks, 3, CLASSES)
    boxed = draw_tracks(frames[3], tracks, 3, CLASSES, draw_boxes=True)
    changed = np.argwhere((plain != boxed).any(axis=2))
    assert changed.min(0).tolist() == [50, 65]
    assert changed.max(0).tolist() == [60, 85]


def test_trail_joins_the_centres_of_the_last_frames(frames, tracks):
    plain = draw_tracks(frames[3], tracks, 3, CLASSES)
    trailed = draw_tracks(frames[3], tracks, 3, CLASSES, trail_len=2)
    columns = np.flatnonzero((plain != trailed).any(axis=(0, 2)))
    assert columns.min() in (34, 35)  # centre of frame 1; the track is gone in frame 2
    assert columns.max() in (75, 76)


def test_layout_is_kept_from_frame_to_frame(frames, tracks):
    layout = LabelLayout()
    draw_tracks(frames[0], tracks, 0, CLASSES, scale=3, layout=layout)
    kept = draw_tracks(frames[1], tracks, 1, CLASSES, scale=3, layout=layout)
    assert (kept != draw_tracks(frames[1], tracks, 1, CLASSES, scale=3)).any()
