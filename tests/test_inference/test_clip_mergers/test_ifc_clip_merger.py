import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvis.inference.clip_mergers import IFCClipMerger
from mmvis.registry import TASK_UTILS
from mmvis.structures import ClipPrediction
from mmvis.testing import find_golden

CASES = (
    'l4_t5_s1',
    'l12_t5_s1',
    'l12_t5_s3',
    'l12_t5_s4',
    'l12_t5_s5',
    'l12_t5_s7',
    'l36_t36',
    'emptyclips',
    'allempty',
    'ties',
    'lowprob',
)


def load_golden(name):
    return np.load(find_golden(f'ifc/merge_{name}.npz'))


def golden_clips(golden):
    for k in range(int(golden['num_clips'])):
        prediction = ClipPrediction(
            torch.from_numpy(golden[f'clip{k}/cls_probs']),
            torch.from_numpy(golden[f'clip{k}/mask_logits']).float(),
        )
        yield k, golden[f'clip{k}/frame_idx'].tolist(), prediction


def run_golden(golden, merger, pop_every_clip):
    """Feed all clips; returns tracks of each clip and the final frames by id."""
    tracks, frames = [], []
    for _, frame_inds, prediction in golden_clips(golden):
        if pop_every_clip:
            frames += merger.pop_final(frame_inds[0])
        tracks.append(merger.update(frame_inds, prediction))
    frames += merger.pop_final(None)
    return tracks, frames


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('pop_every_clip', [True, False])
def test_golden_tracks_classes_and_masks(name, pop_every_clip):
    golden = load_golden(name)
    merger = IFCClipMerger()
    tracks, frames = run_golden(golden, merger, pop_every_clip)

    for k, clip_tracks in enumerate(tracks):
        np.testing.assert_array_equal(clip_tracks, golden[f'clip{k}/slot'])
    assert merger.track_ids == list(range(int(golden['num_inst'])))
    np.testing.assert_allclose(merger.cls_probs(), golden['out_cls'], atol=1e-6)

    frame_ids = [f.frame_id for f in frames]
    assert frame_ids == sorted(set(frame_ids))
    expected = golden['avg_mask_logits']  # (S, L, h, w), NaN where nothing covers
    got = np.full_like(expected, np.nan)
    for frame in frames:
        for track_id, logits in zip(frame.track_ids, frame.masks.logits):
            got[track_id, frame.frame_id] = logits.numpy()
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, atol=2e-6)
    assert_output_masks(golden, got)


def assert_output_masks(golden, mean_logits):
    size = tuple(golden['output_size'])
    shape = tuple(golden['out_masks_shape'])
    expected = np.unpackbits(golden['out_masks_bits'], count=int(np.prod(shape)))
    if shape[0] == 0:
        return
    logits = torch.from_numpy(np.nan_to_num(mean_logits, nan=-1.0))
    masks = F.interpolate(logits, size=size, mode='bilinear').numpy() > 0
    differing = (masks != expected.reshape(shape).astype(bool)).sum()
    assert differing <= int(golden['near_zero_pixels'])


@pytest.mark.parametrize('seed', range(1, 5))
@pytest.mark.parametrize('name', CASES)
def test_golden_tracks_do_not_depend_on_rounding(perturb, name, seed):
    """All predictions of the case of ties fit all tracks equally well."""
    golden, merger = load_golden(name), IFCClipMerger()
    for k, frame_inds, prediction in golden_clips(golden):
        merger.pop_final(frame_inds[0])
        tracks = merger.update(frame_inds, perturb(prediction, seed))
        np.testing.assert_array_equal(tracks, golden[f'clip{k}/slot'])


@pytest.mark.parametrize('name', CASES)
def test_golden_scores_before_thresholding(name):
    golden = load_golden(name)
    merger = IFCClipMerger()
    for k, frame_inds, prediction in golden_clips(golden):
        merger.pop_final(frame_inds[0])
        expected = golden[f'clip{k}/siou']
        candidates, scores = merger.match_scores(
            frame_inds, prediction.mask_logits.sigmoid()
        )
        got = np.zeros_like(expected)
        if candidates:
            got[candidates] = scores
        np.testing.assert_allclose(got, expected, atol=2e-5)
        merger.update(frame_inds, prediction)


def test_more_tracks_than_the_original_could_hold():
    """The original raises at its 51st track (merge_capacity.json)."""
    merger = IFCClipMerger()
    eye = torch.eye(60).reshape(60, 1, 6, 10) * 20 - 10
    cls_probs = torch.full((60, 3), 1 / 3)
    first = merger.update([0], ClipPrediction(cls_probs, eye))
    second = merger.update([1], ClipPrediction(cls_probs, eye))
    assert first.tolist() == list(range(60))
    assert second.tolist() == list(range(60, 120))
    assert merger.cls_probs().shape == (120, 3)
    assert [len(f.track_ids) for f in merger.pop_final(None)] == [60, 60]


def test_reset_starts_a_new_video():
    golden = load_golden('l12_t5_s3')
    merger = TASK_UTILS.build(dict(type='IFCClipMerger', iou_thr=0.05))
    first_tracks, _ = run_golden(golden, merger, pop_every_clip=True)
    merger.reset()
    assert merger.track_ids == []
    second_tracks, _ = run_golden(golden, merger, pop_every_clip=True)
    for first, second in zip(first_tracks, second_tracks, strict=True):
        np.testing.assert_array_equal(first, second)


def held_bytes(merger):
    tensors = [t for m in merger._frames.values() for t in m.logit_sums.values()] + [
        p for clip in merger._past for p in clip.probs.values()
    ]
    return sum(t.untyped_storage().nbytes() for t in tensors)


def test_state_does_not_grow_with_the_video():
    torch.manual_seed(0)
    merger = IFCClipMerger()
    held = []
    for start in range(60):
        merger.pop_final(start)
        # Four points at random places: most open tracks that soon end.
        logits = torch.full((4, 5, 6, 8), -9.0)
        logits.flatten(2)[torch.arange(4), :, torch.randperm(48)[:4]] = 9.0
        merger.update(range(start, start + 5), ClipPrediction(torch.rand(4, 3), logits))
        held.append(held_bytes(merger))
    assert len(merger.track_ids) > 100
    # 5 clips of 4 objects share 5 + 4 + 3 + 2 + 1 frames with the newest one; as
    # probabilities, and at most as many sums.
    assert max(held) <= 2 * 4 * (5 + 4 + 3 + 2 + 1) * (6 * 8 * 4)
    assert len(merger.open_tracks()) <= 4 * 5


def test_final_frames_cannot_come_again():
    merger = IFCClipMerger()
    prediction = ClipPrediction(torch.rand(2, 3), torch.randn(2, 2, 4, 5))
    merger.update([0, 1], prediction)
    assert [f.frame_id for f in merger.pop_final(1)] == [0]
    merger.update([1, 2], prediction)
    with pytest.raises(ValueError, match=r'Frame 0 was declared final by pop_final'):
        merger.update([0, 1], prediction)


def test_frames_and_masks_must_fit():
    prediction = ClipPrediction(torch.rand(2, 3), torch.randn(2, 3, 4, 5))
    with pytest.raises(ValueError, match=r'A clip of 2 frames .* masks for 3 frames'):
        IFCClipMerger().update([0, 1], prediction)


def test_threshold_is_checked():
    with pytest.raises(ValueError, match=r'`iou_thr` must be in \[0, 1\), got 1'):
        IFCClipMerger(iou_thr=1)
