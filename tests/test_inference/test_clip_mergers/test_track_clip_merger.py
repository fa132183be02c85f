import numpy as np
import pytest
import torch

from mmvis.inference.clip_mergers import IFCClipMerger, TrackClipMerger, soft_iou
from mmvis.inference.clip_mergers.mask_motion import mask_motions
from mmvis.registry import TASK_UTILS
from mmvis.structures import ClipPrediction

CLIP_LEN = 4
NUM_CLASSES = 3


def disc(y, x, radius=4.0, h=24, w=40):
    """Logits (h, w) of a disc, -6 outside and 6 inside with a soft border."""
    ys, xs = torch.arange(h).float()[:, None], torch.arange(w).float()[None]
    return (radius - ((ys - y) ** 2 + (xs - x) ** 2).sqrt()).clamp(-1, 1) * 6


def classes(label, prob=0.8):
    probs = torch.full((NUM_CLASSES + 1,), (1 - prob) / NUM_CLASSES)
    probs[label] = prob
    return probs


def clip(frame_inds, *objects):
    """Prediction of ``(label, frame -> (y, x) or None)`` on the frames of a clip."""
    logits = torch.full((len(objects), len(frame_inds), 24, 40), -6.0)
    for n, (_, place) in enumerate(objects):
        for t, frame in enumerate(frame_inds):
            if place(frame) is not None:
                logits[n, t] = disc(*place(frame))
    cls_probs = [classes(label) for label, _ in objects]
    cls_probs = torch.stack(cls_probs) if objects else torch.zeros(0, NUM_CLASSES + 1)
    return ClipPrediction(cls_probs, logits)


def run(merger, objects_of_clip, clip_stride=1, change=lambda clip: clip):
    """Feed clip k with the objects of ``objects_of_clip[k]``; tracks of each clip."""
    tracks = []
    for k, objects in enumerate(objects_of_clip):
        frames = range(k * clip_stride, k * clip_stride + CLIP_LEN)
        merger.pop_final(frames[0])
        prediction = change(clip(frames, *objects))
        tracks.append(merger.update(frames, prediction).tolist())
    return tracks


def still(y, x):
    return lambda frame: (y, x)


BOTH = pytest.mark.parametrize('merger', [IFCClipMerger(), TrackClipMerger()])


@BOTH
def test_moving_objects_keep_their_tracks_in_any_order(merger):
    merger.reset()
    a = (0, lambda f: (6, 5 + 2 * f))
    b = (0, lambda f: (17, 30 - 2 * f))
    tracks = run(merger, [[a, b], [b, a], [a, b], [b], [b, a]])
    assert tracks[:4] == [[0, 1], [1, 0], [0, 1], [1]]
    assert tracks[4] == [1, 0]


def test_a_duplicate_opens_no_track():
    a, near_copy = (1, still(12, 20)), (1, still(12, 20.6))
    plan = [[a], [a, near_copy], [near_copy], [a], [near_copy, a], [a]]
    assert run(IFCClipMerger(), plan)[2] == [1]  # outbid by the copy
    # Of copies with equal scores the first one of the clip continues the track.
    tracks = run(TrackClipMerger(), plan)
    assert tracks == [[0], [0, -1], [0], [0], [0, -1], [0]]


SEEDS = pytest.mark.parametrize('seed', range(6))


@SEEDS
def test_of_two_tracks_that_fit_the_longer_one_goes_on(perturb, seed):
    # Another class opens a track of its own at the same place, for one clip.
    a, b = (1, still(12, 20)), (2, still(12, 20))
    merger = TrackClipMerger(class_weight=0.0)
    plan = [[a], [a], [a], [a, b], [b], [a]]
    tracks = run(merger, plan, change=lambda clip: perturb(clip, seed))
    assert tracks == [[0], [0], [0], [0, 1], [0], [0]]


@SEEDS
@pytest.mark.parametrize(
    ('first', 'second', 'expected'),
    [
        # Of predictions that fit equally well those of a track's class continue it,
        ([(0, 0.8), (1, 0.8)], [(1, 0.8), (0, 0.8)], [1, 0]),
        # then the surer one the surer track,
        ([(0, 0.8), (0, 0.6)], [(0, 0.6), (0, 0.8)], [1, 0]),
        # and otherwise the first one the first track.
        ([(0, 0.8), (0, 0.8)], [(0, 0.8), (0, 0.8)], [0, 1]),
        ([(0, 0.8), (0, 0.8)], [(0, 0.8)], [0]),
    ],
)
@pytest.mark.parametrize(
    'merger',
    [
        TrackClipMerger(class_weight=0.0, duplicate_thr=1.0),
        TrackClipMerger(duplicate_thr=1.0),
        IFCClipMerger(),
    ],
    ids=['tracks by mask', 'tracks', 'ifc'],
)
def test_ties_are_decided_by_rule(perturb, merger, first, second, expected, seed):
    merger.reset()
    logits = clip(range(CLIP_LEN), (0, still(12, 20))).mask_logits
    tracks = []
    for k, objects in enumerate((first, second)):
        prediction = ClipPrediction(
            torch.stack([classes(*obj) for obj in objects]),
            logits.expand(len(objects), -1, -1, -1),
        )
        frames = range(k, k + CLIP_LEN)
        tracks.append(merger.update(frames, perturb(prediction, seed)).tolist())
    assert tracks == [[0, 1], expected]


@SEEDS
def test_lost_tracks_are_found_by_rule(perturb, seed):
    """Two are lost at the same place; sureness tells which one comes back."""
    logits = clip(range(CLIP_LEN), (0, still(12, 20))).mask_logits
    merger = TrackClipMerger(duplicate_thr=1.0)
    probs = torch.tensor([[0.4, 0.05, 0.05, 0.5], [0.8, 0.1, 0.1, 0.0]])
    both = ClipPrediction(probs, logits.expand(2, -1, -1, -1))
    merger.update(range(CLIP_LEN), perturb(both, seed))
    merger.pop_final(9)
    again = ClipPrediction(probs[1:], logits)
    found = merger.update(range(9, 9 + CLIP_LEN), perturb(again, seed))
    assert found.tolist() == [1]


def similarity_of(name, a, b):
    """The value that is compared with the threshold for ``b`` to continue ``a``."""
    if name == 'found_thr':
        probs = [
            clip(frames, obj).mask_logits.sigmoid()
            for frames, obj in ((range(4), a), (range(5, 9), b))
        ]
        lost, found = (
            mask_motions(probs[0], range(4)),
            mask_motions(probs[1], range(5, 9)),
        )
        return lost[0].reaches(found[0], spread=0.75)
    frames = range(4) if name == 'duplicate_thr' else range(1, 4)
    probs = [clip(frames, obj).mask_logits.sigmoid() for obj in (a, b)]
    return soft_iou(*probs).item()


@SEEDS
@pytest.mark.parametrize(
    ('merger', 'name', 'num_empty'),
    [
        (TrackClipMerger, 'match_thr', 0),
        (TrackClipMerger, 'duplicate_thr', None),
        (TrackClipMerger, 'found_thr', 4),
        (IFCClipMerger, 'iou_thr', 0),
    ],
)
def test_what_equals_a_threshold_is_not_above_it(
    perturb, merger, name, num_empty, seed
):
    a, b = (0, still(12, 20)), (0, still(12, 23))
    plan = [[a, b]] if num_empty is None else [[a], *[[]] * num_empty, [b]]
    value = similarity_of(name, a, b)
    assert 0.1 < value < 0.9
    options = {} if name == 'iou_thr' else dict(class_weight=0.0, duplicate_thr=1.0)

    def is_one_object(threshold):
        tracks = run(
            merger(**(options | {name: threshold})),
            plan,
            change=lambda clip: perturb(clip, seed),
        )
        return tracks[-1][-1] != 1

    assert not is_one_object(value)
    assert not is_one_object((1 - 3e-6) * value)  # above it, but not clearly
    assert is_one_object(0.999 * value)


@SEEDS
def test_the_first_of_equally_sure_copies_stays(perturb, seed):
    logits = clip(range(CLIP_LEN), (0, still(12, 20))).mask_logits
    prediction = ClipPrediction(classes(1).expand(4, -1), logits.expand(4, -1, -1, -1))
    tracks = TrackClipMerger().update(range(CLIP_LEN), perturb(prediction, seed))
    assert tracks.tolist() == [0, -1, -1, -1]


@SEEDS
def test_the_first_of_a_tracks_equal_classes_is_its_label(perturb, seed):
    logits = clip(range(CLIP_LEN), (0, still(12, 20))).mask_logits
    first = ClipPrediction(torch.tensor([[0.4, 0.4, 0.1, 0.1]]), logits)
    second = ClipPrediction(
        torch.tensor([[0.1, 0.7, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1]]),
        logits.expand(2, -1, -1, -1),
    )
    merger = TrackClipMerger()
    merger.update(range(CLIP_LEN), perturb(first, seed))
    tracks = merger.update(range(1, 1 + CLIP_LEN), perturb(second, seed))
    # The second has the track's label, so that it is no other object.
    assert tracks.tolist() == [0, -1]


@SEEDS
def test_a_mask_of_undecided_pixels_has_no_foreground(perturb, seed):
    undecided = ClipPrediction(classes(0)[None], torch.zeros(1, CLIP_LEN, 24, 40))
    merger = TrackClipMerger()
    assert merger.update(range(CLIP_LEN), perturb(undecided, seed)).tolist() == [-1]


@SEEDS
def test_labels_of_equal_probability(perturb, seed):
    """The first class counts, so that a copy of that class is a duplicate."""
    logits = clip(range(CLIP_LEN), (0, still(12, 20))).mask_logits
    probs = torch.tensor([[0.1, 0.4, 0.4, 0.1], [0.1, 0.38, 0.3, 0.22]])
    prediction = ClipPrediction(probs, logits.expand(2, -1, -1, -1))
    merger = TrackClipMerger()
    tracks = merger.update(range(CLIP_LEN), perturb(prediction, seed))
    assert tracks.tolist() == [0, -1]
    tracks = merger.update(range(1, 1 + CLIP_LEN), perturb(prediction, seed + 7))
    assert tracks.tolist() == [0, -1]


@pytest.mark.parametrize(
    ('x', 'class_weight', 'expected'),
    [
        (21, 0.5, [[0], [0], [1], [1]]),
        # Of the same class it would be similar enough.
        (20, 1.0, [[0], [0], [1], [1]]),
        (20, 0.0, [[0], [0], [0], [0]]),
    ],
)
def test_an_object_of_another_class_does_not_take_a_track_over(
    x, class_weight, expected
):
    # The old object is gone; another one touches the place where it was.
    a, b = (0, still(12, 16)), (1, still(12, x))
    plan = [[a], [a], [b], [b]]
    assert run(IFCClipMerger(), plan) == [[0], [0], [0], [0]]
    assert run(TrackClipMerger(class_weight=class_weight), plan) == expected


def test_masks_without_foreground_open_no_track():
    flat = ClipPrediction(classes(0)[None], torch.full((1, CLIP_LEN, 24, 40), -1.5))
    ifc, merger = IFCClipMerger(), TrackClipMerger()
    assert ifc.update(range(4), flat).tolist() == [0]
    assert merger.update(range(4), flat).tolist() == [-1]
    assert merger.track_ids == []
    assert [f.track_ids for f in merger.pop_final(None)] == [[]] * CLIP_LEN


def walk(frame):
    return (12, 4 + frame)


def test_a_lost_track_is_found_where_its_motion_leads():
    a = (0, walk)
    plan = [[a], [a], [], [], [], [], [], [], [a], [a]]
    assert run(IFCClipMerger(), plan)[-2:] == [[1], [1]]
    merger = TrackClipMerger()
    assert run(merger, plan)[-2:] == [[0], [0]]
    frames = merger.pop_final(None)
    assert [f.frame_id for f in frames] == [9, 10, 11, 12]
    assert all(f.track_ids == [0] for f in frames)


@pytest.mark.parametrize(
    ('label', 'place', 'max_lost_frames'),
    [
        (1, walk, 20),  # another class
        (0, lambda f: (12, 38 - f), 20),  # another place
        (0, walk, 3),  # too long ago
        (0, walk, 0),  # never
    ],
)
def test_something_else_is_not_taken_for_a_lost_track(label, place, max_lost_frames):
    a, b = (0, walk), (label, place)
    merger = TrackClipMerger(max_lost_frames=max_lost_frames)
    assert run(merger, [[a], [a], [], [], [], [], [], [], [b]])[-1] == [1]


def test_lost_tracks_stay_open_for_max_lost_frames():
    merger = TrackClipMerger(max_lost_frames=6)
    a = (0, still(12, 20))
    is_open = []
    for k in range(12):
        merger.pop_final(k)
        frames = range(k, k + CLIP_LEN)
        merger.update(frames, clip(frames, *([a] if k == 0 else [])))
        is_open.append(0 in merger.open_tracks())
    # Seen until frame 3; clip 6 ends at frame 9, six frames later.
    assert is_open == [True] * 7 + [False] * 5


def test_clips_that_do_not_overlap_are_joined_by_motion():
    a, b = (0, lambda f: (5, 5 + f)), (0, lambda f: (18, 30 - f))
    plan = [[a, b], [b, a], [a, b]]
    tracks = run(TrackClipMerger(), plan, clip_stride=CLIP_LEN)
    assert tracks == [[0, 1], [1, 0], [0, 1]]
    ifc = run(IFCClipMerger(), plan, clip_stride=CLIP_LEN)
    assert ifc == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ('num_frames', 'expected'),
    [(1, [1]), (3, [0.4, 1, 0.4]), (5, [0.4, 0.7, 1, 0.7, 0.4])],
)
def test_weights_of_frames(num_frames, expected):
    weights = TrackClipMerger(edge_weight=0.4).frame_weights(num_frames)
    assert weights == pytest.approx(expected)


def test_mean_masks_are_weighted():
    merger = TrackClipMerger(edge_weight=0.25)
    logits = torch.full((1, 3, 2, 2), 8.0)
    merger.update([0, 1, 2], ClipPrediction(classes(0)[None], logits))
    merger.update([1, 2, 3], ClipPrediction(classes(0)[None], logits / 4))
    means = [f.masks.logits.mean().item() for f in merger.pop_final(None)]
    # Frame 1: 8 with weight 1, 2 with 1/4; frame 2: the other way round.
    assert means == pytest.approx([8, (8 + 0.5) / 1.25, (2 + 2) / 1.25, 2])


def test_scores_count_mask_quality_and_clips_seen():
    logits = torch.full((1, 2, 2, 2), -9.0)
    logits[0, :, 0] = 2.0
    prediction = ClipPrediction(torch.tensor([[0.6, 0.2, 0.2]]), logits)
    merger = TrackClipMerger(prior_clips=0.5)
    merger.update([0, 1], prediction)
    sharpness = torch.tensor(2.0).sigmoid().item()

    def expected(clips):
        share = clips / (clips + 0.5) * sharpness
        return [0.6 * share, 0.2 * share, 1 - 0.8 * share]

    np.testing.assert_allclose(merger.cls_probs()[0], expected(1), atol=1e-6)
    merger.update([1, 2], prediction)
    np.testing.assert_allclose(merger.cls_probs([0])[0], expected(2), atol=1e-6)
    plain = TrackClipMerger(prior_clips=0, weigh_masks=False)
    plain.update([0, 1], prediction)
    np.testing.assert_allclose(plain.cls_probs()[0], [0.6, 0.2, 0.2], atol=1e-6)


def test_state_does_not_grow_with_the_video():
    generator = torch.Generator().manual_seed(0)
    merger = TASK_UTILS.build(dict(type='TrackClipMerger', max_lost_frames=5))
    held, remembered = [], []
    for k in range(80):
        merger.pop_final(k)
        places = torch.rand(3, 2, generator=generator) * torch.tensor([24.0, 40.0])
        objects = [(k % 3, still(*place.tolist())) for place in places]
        merger.update(range(k, k + CLIP_LEN), clip(range(k, k + CLIP_LEN), *objects))
        sums = [t for m in merger._frames.values() for t in m.logit_sums.values()]
        held.append(sum(t.untyped_storage().nbytes() for t in sums))
        remembered.append(len(merger._motions))
    assert len(merger.track_ids) > 60
    # 3 objects of 4 clips share 4 + 3 + 2 + 1 frames with the newest one.
    assert max(held) <= 3 * (4 + 3 + 2 + 1) * 24 * 40 * 4
    assert max(remembered) <= 3 * (CLIP_LEN + 5)


def test_no_predictions_at_all():
    merger = TrackClipMerger()
    assert run(merger, [[], [], []]) == [[], [], []]
    assert merger.cls_probs().shape == (0, NUM_CLASSES + 1)
    assert [f.track_ids for f in merger.pop_final(None)] == [[]] * 4


@pytest.mark.parametrize(
    ('argument', 'value'),
    [('match_thr', 1.5), ('edge_weight', 0), ('motion_spread', 0), ('prior_clips', -1)],
)
def test_arguments_are_checked(argument, value):
    with pytest.raises(ValueError, match=f'`{argument}` must be in'):
        TrackClipMerger(**{argument: value})
