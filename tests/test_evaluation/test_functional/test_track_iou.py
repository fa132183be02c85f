import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional import track_iou, track_ious
from mmvis.evaluation.functional.mask_table import MaskTable
from mmvis.structures.rle import compress

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
    ious = track_ious(MaskTable(dets), MaskTable(gts))
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
        ious = track_ious(MaskTable(dets), MaskTable(gts), min_iou)
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
        gt_masks = [
            [compress(m, *hw) if m else None for m in t['segmentations']] for t in gts
        ]
        det_masks = [track['segmentations'] for track in dets]
        if dets and gts:
            tables = MaskTable(det_masks), MaskTable(gt_masks)
            assert track_ious(*tables).tolist() == wanted
            num_compared += len(dets) * len(gts)
    assert num_compared > 100


def test_empty_tracks_have_no_iou():
    assert track_iou([None, None], [None, None]) == 0
    empty = [[None, None]]
    assert track_ious(MaskTable(empty), MaskTable(empty)) == [[0]]


def test_malformed_tracks_are_compared_as_far_as_they_go():
    mask = np.zeros((1, 4, 5), bool)
    mask[:, :2, :3] = True
    rle = encode(mask)[0]
    for det in ([rle], [rle, rle, rle], [rle, dict(rle, size=[5, 4])]):
        ious = track_ious(MaskTable([det]), MaskTable([[rle, rle]]))
        assert ious == [[track_iou(det, [rle, rle])]]
        assert ious == [[1]]
