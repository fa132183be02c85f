"""The numbers of tracks beside those of trackeval's own loaders.

``evaluate_tracks`` hands everything to trackeval in one way. Here the same tracks go
there as text files of MOTS, as images of DAVIS and as json of YouTube-VIS, each read
by the loader that trackeval has for it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation.json_files import read_ground_truth
from mmvis.evaluation.track_metrics import evaluate_tracks
from mmvis.labels.davis import write_davis
from mmvis.labels.label_set import add_annotation, encode_mask
from mmvis.labels.mots import write_mots
from mmvis.structures.rle import rle_as_text

trackeval = pytest.importorskip('trackeval')

DAVIS_MIXTURES = Path(__file__).parents[2] / 'data/davis_mix/valid.json'
SCORE_THR = 0.3


@dataclass
class Case:
    """Ground truth, the tracks that were found, and all rows of the results file."""

    gt: dict
    tracks: list[dict]
    results: list[dict]

    def labels(self, items, video_ids=None):
        """Annotations or tracks as labels, frames counted from 1 as MOTS does."""
        videos = [
            dict(v, file_names=[f'{v["id"]}/{t + 1:05d}' for t in range(v['length'])])
            for v in self.gt['videos']
            if video_ids is None or v['id'] in video_ids
        ]
        labels = dict(self.gt, videos=videos, annotations=[])
        for item in items:
            masks = [mask and rle_as_text(mask) for mask in item['segmentations']]
            add_annotation(labels, item['video_id'], item['category_id'], masks)
        return labels


@pytest.fixture(scope='module', params=['shapes', 'davis_mixtures'])
def case(request, tiny_shapes):
    """Made shapes that hide each other, and real objects where the data lies."""
    path = tiny_shapes / 'valid.json'
    if request.param == 'davis_mixtures':
        path = DAVIS_MIXTURES
        if not path.is_file():
            pytest.skip(f'needs {path}, objects of DAVIS in the format of YouTube-VIS')
    gt = read_ground_truth(path)
    return Case(gt, *make_results(gt, np.random.default_rng(0)))


@pytest.fixture(scope='module')
def numbers(case):
    return evaluate_tracks(case.gt, case.results, SCORE_THR)


def make_results(gt, rng):
    """Results with the faults of a model.

    Tracks are moved, short, missed, invented, of another class, and change places.
    They do not overlap, as MOTS and DAVIS ask. Each has a second row of another class,
    and there are unsure rows.
    """
    cat_ids = sorted({item['category_id'] for item in gt['annotations']})
    tracks, others = [], []
    for video in gt['videos']:
        truth = [a for a in gt['annotations'] if a['video_id'] == video['id']]
        tubes = [(a['category_id'], decode(a, video)) for a in truth]
        if len(tubes) > 1 and rng.random() < 0.5:
            change_places(tubes[0][1], tubes[1][1], video['length'] // 2)
        tubes = [tube for tube in tubes if rng.random() < 0.9]
        tubes.append((rng.choice(cat_ids), invent(video, rng)))
        taken = np.zeros_like(tubes[-1][1])
        for cat_id, tube in tubes:
            shift = rng.integers(-2, 3, size=2)
            tube = np.roll(tube, shift, (1, 2)) & ~taken
            taken |= tube
            tube[rng.random(len(tube)) < 0.05] = False
            if rng.random() < 0.1:
                cat_id = rng.choice(cat_ids)
            row = dict(
                video_id=video['id'],
                category_id=int(cat_id),
                score=rng.uniform(0.5, 1),
                segmentations=[encode_mask(m) if m.any() else None for m in tube],
            )
            if tube.any():
                tracks.append(row)
                other_class = cat_ids[cat_ids.index(cat_id) - 1]
                others += [
                    dict(row, category_id=other_class, score=0.4),
                    dict(row, segmentations=row['segmentations'][::-1], score=0.1),
                ]
    return tracks, tracks + others


def decode(annotation, video):
    empty = np.zeros((video['height'], video['width']), dtype=bool)
    return np.stack(
        [
            mask_utils.decode(mask).astype(bool) if mask else empty
            for mask in annotation['segmentations']
        ]
    )


def change_places(first, second, t):
    first[t:], second[t:] = second[t:].copy(), first[t:].copy()


def invent(video, rng):
    tube = np.zeros((video['length'], video['height'], video['width']), dtype=bool)
    height, width = video['height'] // 4, video['width'] // 4
    y, x = rng.integers(0, 3 * height), rng.integers(0, 3 * width)
    tube[:, y : y + height, x : x + width] = True
    return tube


def evaluate(dataset, *metrics):
    """Numbers of each metric over all videos and, where it has some, classes."""
    evaluator = trackeval.Evaluator(
        dict(
            BREAK_ON_ERROR=True,
            PRINT_CONFIG=False,
            PRINT_RESULTS=False,
            OUTPUT_SUMMARY=False,
            OUTPUT_DETAILED=False,
            PLOT_CURVES=False,
        )
    )
    scores, _ = evaluator.evaluate([dataset], list(metrics))
    (combined,) = (tracker['COMBINED_SEQ'] for tracker in scores.popitem()[1].values())
    return combined.get('cls_comb_cls_av') or next(iter(combined.values()))


def test_hota_and_idf1_of_mots_files(case, numbers, tmp_path):
    # That loader knows pedestrians, class 2, alone: one category at a time is that.
    per_category = []
    for cat_id in sorted({item['category_id'] for item in case.gt['annotations']}):
        folder = tmp_path / str(cat_id)
        for place, items in (
            ('gt', case.gt['annotations']),
            ('trackers/mmvis/data', case.tracks),
        ):
            of_category = [item for item in items if item['category_id'] == cat_id]
            labels = case.labels(of_category)
            labels['categories'] = [dict(id=-1, name='car'), dict(id=cat_id, name='x')]
            write_mots(labels, folder / place)
        dataset = trackeval.datasets.MOTSChallenge(
            dict(
                GT_FOLDER=str(folder / 'gt'),
                TRACKERS_FOLDER=str(folder / 'trackers'),
                GT_LOC_FORMAT='{gt_folder}/{seq}.txt',
                SKIP_SPLIT_FOL=True,
                SEQ_INFO={str(v['id']): v['length'] for v in case.gt['videos']},
                PRINT_CONFIG=False,
            )
        )
        hota, identity = trackeval.metrics.HOTA(), trackeval.metrics.Identity()
        found = evaluate(dataset, hota, identity)
        per_category.append(
            [found['HOTA'][name].mean() for name in ('HOTA', 'DetA', 'AssA', 'LocA')]
            + [found['Identity']['IDF1']]
        )
    expected = np.mean(per_category, axis=0)
    assert np.all((expected > 0.2) & (expected < 0.98))
    ours = [numbers[name] for name in ('HOTA', 'DetA', 'AssA', 'LocA', 'IDF1')]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)


def test_j_and_f_of_davis_images(case, numbers, tmp_path):
    annotated = {item['video_id'] for item in case.gt['annotations']}
    for place, items in (
        ('gt', case.gt['annotations']),
        ('trackers/mmvis', [t for t in case.tracks if t['video_id'] in annotated]),
    ):
        write_davis(case.labels(items, annotated), tmp_path / place)
    for key in tmp_path.rglob('tracks.json'):
        key.unlink()  # the loader takes every file for an image
    dataset = trackeval.datasets.DAVIS(
        dict(
            GT_FOLDER=str(tmp_path / 'gt/Annotations'),
            TRACKERS_FOLDER=str(tmp_path / 'trackers'),
            TRACKER_SUB_FOLDER='Annotations',
            PRINT_CONFIG=False,
        )
    )
    expected = evaluate(dataset, trackeval.metrics.JAndF())['JAndF']
    assert 0.2 < expected['J&F'] < 0.98
    for ours, theirs in (('J&F', 'J&F'), ('J', 'J-Mean'), ('F', 'F-Mean')):
        assert numbers[ours] == pytest.approx(expected[theirs], abs=1e-9)


def test_track_map_of_youtube_vis_files(case, numbers, tmp_path):
    gt = case.labels(case.gt['annotations'])
    sizes = {v['id']: dict(height=v['height'], width=v['width']) for v in gt['videos']}
    for item in gt['annotations']:
        item.update(sizes[item['video_id']])
        item['segmentations'] = [m and runs(m) for m in item['segmentations']]
    write_json(gt, tmp_path / 'gt/youtube_vis_valid/valid.json')
    place = 'trackers/youtube_vis_valid/mmvis/data/results.json'
    write_json(case.results, tmp_path / place)
    dataset = trackeval.datasets.YouTubeVIS(
        dict(
            GT_FOLDER=f'{tmp_path}/gt/',
            TRACKERS_FOLDER=f'{tmp_path}/trackers/',
            SPLIT_TO_EVAL='valid',
            PRINT_CONFIG=False,
        )
    )
    # Time ranges are TAO's; the loader of YouTube-VIS has no lengths for them.
    track_map = trackeval.metrics.TrackMAP(
        dict(USE_TIME_RANGES=False, PRINT_CONFIG=False)
    )
    found = evaluate(dataset, track_map)
    expected = found['TrackMAP']['AP_all'].mean()
    assert 0.1 < expected < 0.9
    assert numbers['TrackMAP'] == pytest.approx(expected, abs=1e-9)


def runs(mask):
    """Uncompressed RLE, as in the files of YouTube-VIS."""
    pixels = mask_utils.decode(mask).ravel(order='F')
    starts = np.flatnonzero(np.diff(pixels)) + 1
    edges = [0] * int(pixels[0]) + [0, *starts.tolist(), pixels.size]
    return dict(size=mask['size'], counts=np.diff(edges).tolist())


def write_json(content, path):
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))
