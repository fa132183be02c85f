import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional import track_iou, track_ious
from mmvis.evaluation.functional.mask_tables import mask_areas, mean_mask_areas
from mmvis.evaluation.functional.tracks import compress_mask

GOLDEN = Path(__file__).parents[2] / 'data' / 'golden' / 'ytvis_eval'


def encode(masks):
    """RLE of boolean masks (T, H, W), None where empty."""
    rles = mask_utils.encode(np.asfortranarray(masks.transpose(1, 2, 0), np.uint8))
    return [rle if mask.any() else None for rle, mask in zip(rles, masks)]


@pytest.fixture
def tracks():
    """Random tracks of one video as arrays (N, T, H, W), some frames empty."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:20, :30]
    centres = rng.uniform((4, 4), (16, 26), (9, 2))
    masks = np.zeros((9, 7, 20, 30), bool)
    for n, (y, x) in enumerate(centres):
        for t in range(7):
            masks[n, t] = (rows - y) ** 2 + (cols - x - t) ** 2 < 30 + n
    masks[5:] = np.roll(masks[:4], 1, axis=2)
    masks[rng.random((9, 7)) < 0.2] = False
    return masks


def brute_force(dets, gts):
    inter = (dets[:, None] & gts[None]).sum((2, 3, 4))
    union = (dets[:, None] | gts[None]).sum((2, 3, 4))
    return inter / np.maximum(union, 1)


def test_ious_equal_those_of_pixels(tracks):
    rles = [encode(track) for track in tracks]
    dets, gts = rles[:6], rles[6:]
    ious = track_ious(dets, gts, mask_areas(dets), mask_areas(gts))
    expected = brute_force(tracks[:6], tracks[6:])
    assert (ious == expected).all()
    assert expected.max() > 0.6
    for d, det in enumerate(dets):
        for g, gt in enumerate(gts):
            assert track_iou(det, gt) == expected[d, g]


def test_minimum_only_drops_pairs_below_it(tracks):
    rles = [encode(track) for track in tracks]
    dets, gts = rles[:6], rles[6:]
    expected = brute_force(tracks[:6], tracks[6:])
    for min_iou in np.unique(expected[expected > 0]):
        ious = track_ious(dets, gts, mask_areas(dets), mask_areas(gts), min_iou)
        is_kept = expected >= min_iou
        assert (ious[is_kept] == expected[is_kept]).all()
        assert (ious[~is_kept] < min_iou).all()


def test_ious_equal_the_official_ones():
    folder = GOLDEN / 'case_small'
    gt = json.loads(gzip.decompress((folder / 'gt.json.gz').read_bytes()))
    results = json.loads(gzip.decompress((folder / 'pred.json.gz').read_bytes()))
    expected = json.loads((folder / 'expected.json').read_text())['ious']
    num_compared = 0
    for key, wanted in expected.items():
        video_id, cat_id = map(int, key.split('/'))
        gts, dets = (
            [
                track
                for track in tracks
                if (track['video_id'], track['category_id']) == (video_id, cat_id)
            ]
            for tracks in (gt['annotations'], results)
        )
        dets.sort(key=lambda det: -det['score'])
        video = next(video for video in gt['videos'] if video['id'] == video_id)
        hw = video['height'], video['width']
        gt_masks = [[compress_mask(m, *hw) for m in t['segmentations']] for t in gts]
        det_masks = [track['segmentations'] for track in dets]
        if dets and gts:
            areas = mask_areas(det_masks), mask_areas(gt_masks)
            assert track_ious(det_masks, gt_masks, *areas).tolist() == wanted
            num_compared += len(dets) * len(gts)
    assert num_compared > 100


def test_empty_tracks_have_no_iou():
    assert track_iou([None, None], [None, None]) == 0
    empty = [[None, None]]
    assert track_ious(empty, empty, mask_areas(empty), mask_areas(empty)) == [[0]]


def test_mean_area_leaves_out_empty_frames():
    masks = np.zeros((4, 6, 7), bool)
    masks[0, :2, :3] = True
    masks[2, :4, :5] = True
    zero = mask_utils.encode(np.zeros((6, 7), np.uint8, order='F'))
    tracks = [encode(masks), [zero, None], []]
    areas = mask_areas(tracks)
    assert areas.tolist() == [6, 0, 20, 0, 0, 0]
    assert mean_mask_areas(tracks, areas).tolist() == [13, 0, 0]


def test_more_masks_than_pycocotools_takes_at_once():
    masks = np.zeros((600, 4, 5), bool)
    masks[:, 0, 0] = True
    assert mask_areas([encode(masks)]).tolist() == [1] * 600
