"""How often masks are decoded, which is most of the time of an evaluation."""

import json
from collections import Counter

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.commands.evaluate import main
from mmvis.evaluation import evaluate_ytvis
from mmvis.evaluation.functional import mask_table
from mmvis.structures import rle_runs
from mmvis.testing import make_tiny_vis


def random_track(rng, num_frames, size=(6, 9)):
    masks = rng.random((*size, num_frames)) < 0.5
    rles = mask_utils.encode(np.asfortranarray(masks, np.uint8))
    return [dict(size=list(size), counts=rle['counts'].decode()) for rle in rles]


def count_decoded(monkeypatch):
    """Count how often each RLE string is decoded from now on."""
    counted = Counter()
    decode = rle_runs.foreground_runs

    def counting(counts, pixels):
        counted.update(counts)
        return decode(counts, pixels)

    for module in (rle_runs, mask_table):
        monkeypatch.setattr(module, 'foreground_runs', counting)
    return counted


def test_each_mask_is_decoded_once(monkeypatch):
    """Of two videos and two categories; category 2 has no ground truth in video 2."""
    rng = np.random.default_rng(0)
    counted = count_decoded(monkeypatch)
    videos = [dict(id=i, height=6, width=9, length=4) for i in (1, 2)]
    gts = [
        dict(
            id=n,
            video_id=video_id,
            category_id=category_id,
            iscrowd=0,
            areas=[20] * 4,
            segmentations=random_track(rng, 4),
        )
        for n, (video_id, category_id) in enumerate([(1, 1), (1, 1), (1, 2), (2, 1)], 1)
    ]
    results = [
        dict(
            video_id=video_id,
            category_id=category_id,
            score=float(rng.random()),
            segmentations=random_track(rng, 4),
        )
        for video_id in (1, 2)
        for category_id in (1, 2)
        for _ in range(5)
    ]
    categories = [dict(id=1), dict(id=2)]
    gt = dict(videos=videos, categories=categories, annotations=gts)
    evaluate_ytvis(gt, results)

    texts = [mask['counts'] for t in gts + results for mask in t['segmentations']]
    assert len(set(texts)) == len(texts) == 24 * 4
    assert counted == Counter(texts)


@pytest.mark.parametrize('options', [[], ['--class-agnostic']])
def test_the_command_decodes_each_mask_of_results_once(options, monkeypatch, tmp_path):
    """Their check is part of the scoring, see `check_rle` of `read_results`."""
    gt_file = make_tiny_vis(tmp_path, kind='compressed')
    gt = json.loads(gt_file.read_text())
    rng = np.random.default_rng(0)
    video = gt['videos'][0]
    size = [video['height'], video['width']]
    results = [
        dict(
            video_id=video['id'],
            category_id=category['id'],
            score=0.5,
            segmentations=random_track(rng, video['length'], size),
        )
        for category in gt['categories']
        for _ in range(120)  # 20 more than count
    ]
    (tmp_path / 'results.json').write_text(json.dumps(results))
    counted = count_decoded(monkeypatch)
    main([str(gt_file), str(tmp_path / 'results.json'), *options])
    texts = [mask['counts'] for track in results for mask in track['segmentations']]
    assert {counted[text] for text in texts} == {1}
