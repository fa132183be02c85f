"""How often masks are decoded, which is most of the time of an evaluation."""

from collections import Counter

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.evaluation import evaluate_ytvis
from mmvis.evaluation.functional import mask_table


def random_track(rng, num_frames):
    masks = rng.random((6, 9, num_frames)) < 0.5
    rles = mask_utils.encode(np.asfortranarray(masks, np.uint8))
    return [dict(size=[6, 9], counts=rle['counts'].decode()) for rle in rles]


def test_each_mask_is_decoded_once(monkeypatch):
    """Of two videos and two categories; category 2 has no ground truth in video 2."""
    rng = np.random.default_rng(0)
    counted = Counter()
    decode = mask_table.foreground_runs

    def counting(counts, pixels):
        counted.update(counts)
        return decode(counts, pixels)

    monkeypatch.setattr(mask_table, 'foreground_runs', counting)
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

    in_question = gts + [
        r for r in results if (r['video_id'], r['category_id']) != (2, 2)
    ]
    texts = [mask['counts'] for track in in_question for mask in track['segmentations']]
    assert len(set(texts)) == len(texts) == 19 * 4
    assert counted == Counter(texts)
