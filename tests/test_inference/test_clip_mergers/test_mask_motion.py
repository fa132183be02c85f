import math

import pytest
import torch

from mmvis.inference.clip_mergers.mask_motion import mask_motions


def box_tube(boxes, h=20, w=30):
    """Probabilities (T, h, w) of boxes (y1, x1, y2, x2); None is an empty frame."""
    probs = torch.full((len(boxes), h, w), 0.1)
    for t, box in enumerate(boxes):
        if box is not None:
            y1, x1, y2, x2 = box
            probs[t, y1:y2, x1:x2] = 0.9
    return probs


def test_place_and_velocity_over_the_visible_frames():
    tube = box_tube([None, (2, 4, 4, 8), None, (6, 4, 8, 9), None])
    (motion,) = mask_motions(tube[None], [10, 12, 14, 16, 18])
    assert (motion.first_frame, motion.last_frame) == (12, 16)
    assert (motion.first_area, motion.last_area) == (8, 10)
    assert motion.first_centre.tolist() == [2.5, 5.5]
    assert motion.last_centre.tolist() == [6.5, 6.0]
    assert motion.velocity.tolist() == [1.0, 0.125]


def test_nothing_above_one_half_is_no_motion():
    assert mask_motions(torch.full((2, 3, 4, 5), 0.5), [0, 1, 2]) == [None, None]


def test_reaches_extrapolates_but_not_for_ever():
    # Moves 2 cells to the right per frame, seen for 3 frames.
    boxes = [(4, x, 8, x + 4) for x in (0, 2, 4)]
    (track,) = mask_motions(box_tube(boxes)[None], [0, 1, 2])

    def reach(x, frame, size=4):
        tube = box_tube([(4, x, 4 + size, x + size)])
        (later,) = mask_motions(tube[None], [frame])
        return track.reaches(later, spread=0.5)

    assert reach(8, 4) == pytest.approx(1)  # 2 frames later, 4 cells on
    assert reach(10, 9) == pytest.approx(1)  # at most 3 frames of motion
    # 2 cells off: half an object, one standard deviation.
    assert reach(10, 4) == pytest.approx(math.exp(-0.5))
    # Half as wide, centre 1 cell off in y and x: a quarter of the area.
    expected = 0.5 * math.exp(-0.5 * (math.sqrt(2) / 4 / 0.5) ** 2)
    assert reach(8, 4, size=2) == pytest.approx(expected)
