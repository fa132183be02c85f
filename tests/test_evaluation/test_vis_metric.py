import gzip
import json
import zipfile
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmdet.structures import TrackDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmvis.evaluation import VISMetric, evaluate_ytvis
from mmvis.registry import METRICS

MEDIUM = Path(__file__).parents[1] / 'data' / 'golden' / 'ytvis_eval' / 'case_medium'


@pytest.fixture(scope='module')
def case(tmp_path_factory):
    """Annotation file, and the results as the records that models return."""
    gt = json.loads(gzip.decompress((MEDIUM / 'gt.json.gz').read_bytes()))
    results = json.loads(gzip.decompress((MEDIUM / 'pred.json.gz').read_bytes()))
    path = tmp_path_factory.mktemp('gt') / 'gt.json'
    path.write_text(json.dumps(gt))
    return path, gt, results


def records(gt, results):
    """One sample per video, after one of a chunk that is not its last."""
    cat_ids = sorted(category['id'] for category in gt['categories'])
    samples = []
    for video in gt['videos']:
        tracks = [result for result in results if result['video_id'] == video['id']]
        sample = TrackDataSample()
        sample.set_metainfo(dict(video_id=video['id'], video_len=video['length']))
        samples.append(sample.clone())
        labels = [cat_ids.index(track['category_id']) for track in tracks]
        sample.pred_track_instances = InstanceData(
            labels=torch.tensor(labels, dtype=torch.long),
            scores=torch.tensor([t['score'] for t in tracks], dtype=torch.float64),
            instances_id=torch.arange(len(tracks)),
            masks=[
                [m and dict(m, counts=m['counts'].encode()) for m in t['segmentations']]
                for t in tracks
            ],
        )
        samples.append(sample)
    return samples


def evaluate(metric, samples, meta=None, size=None):
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = meta or {}
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples) if size is None else size)


def expected_stats(scores):
    return {f'youtube_vis/{name}': value for name, value in scores.stats().items()}


def test_metrics_are_the_official_ones(case):
    path, gt, results = case
    metrics = evaluate(
        METRICS.build(dict(type='VISMetric', ann_file=str(path))), records(gt, results)
    )
    expected = json.loads((MEDIUM / 'expected.json').read_text())['stats']
    # The records are in the order of the videos, the file was not: ties may differ.
    by_video = sorted(
        results, key=lambda r: [v['id'] for v in gt['videos']].index(r['video_id'])
    )
    assert metrics == expected_stats(evaluate_ytvis(gt, by_video))
    assert metrics['youtube_vis/AP'] == pytest.approx(expected['AP'], abs=1e-12)


def test_annotation_file_comes_with_the_data_set(case):
    path, gt, results = case
    cat_ids = sorted(category['id'] for category in gt['categories'])
    meta = dict(ann_file=str(path), cat_ids=cat_ids)
    metrics = evaluate(VISMetric(), records(gt, results), meta)
    assert metrics['youtube_vis/AP'] == pytest.approx(0.24413246605063624, abs=1e-12)


def test_classes_that_the_data_set_leaves_out_do_not_count(case):
    path, gt, results = case
    meta = dict(ann_file=str(path), cat_ids=[4, 10])
    kept = dict(gt, categories=[c for c in gt['categories'] if c['id'] in (4, 10)])
    results = [result for result in results if result['category_id'] in (4, 10)]
    metrics = evaluate(VISMetric(), records(kept, results), meta)
    assert metrics == expected_stats(evaluate_ytvis(kept, results))


def test_merged_categories_are_merged_in_the_ground_truth_too(case):
    path, gt, results = case
    names = {category['id']: category['name'] for category in gt['categories']}
    kinds = {name: ('odd', 'even')[i % 2] for i, name in names.items() if i != 4}
    meta = dict(
        ann_file=str(path), class_map=kinds, classes=('odd', 'even'), cat_ids=[1, 2]
    )

    def merge(entries):
        kept = [entry for entry in entries if entry['category_id'] != 4]
        labels = [('odd', 'even').index(kinds[names[e['category_id']]]) for e in kept]
        return [dict(e, category_id=k + 1) for e, k in zip(kept, labels)]

    merged = dict(
        gt,
        categories=[dict(id=1, name='odd'), dict(id=2, name='even')],
        annotations=merge(gt['annotations']),
    )
    samples = records(merged, merge(results))
    expected = evaluate_ytvis(merged, merge(results))
    assert evaluate(VISMetric(), samples, meta)['youtube_vis/AP'] == pytest.approx(
        expected.stats()['AP'], abs=1e-12
    )
    assert expected.stats()['AP'] > 0.1


def test_no_predictions_is_zero_with_a_warning(case, caplog):
    path, gt, _ = case
    metrics = evaluate(VISMetric(ann_file=str(path)), records(gt, [])[:10])
    assert metrics['youtube_vis/AP'] == 0
    assert metrics['youtube_vis/AR100'] == 0
    assert evaluate(VISMetric(ann_file=str(path)), []) == metrics


@pytest.mark.parametrize('annotations', [None, [], 'missing'])
def test_without_annotations_files_are_written_and_nothing_scored(
    case, tmp_path, monkeypatch, annotations
):
    _, gt, results = case
    gt = dict(gt, annotations=annotations)
    if annotations == 'missing':
        del gt['annotations']
    (tmp_path / 'valid.json').write_text(json.dumps(gt))
    monkeypatch.chdir(tmp_path)
    metric = VISMetric(ann_file=str(tmp_path / 'valid.json'))
    assert evaluate(metric, records(gt, results)) == {}
    written = json.loads((tmp_path / 'results.json').read_text())
    assert len(written) == len(results)
    with zipfile.ZipFile(tmp_path / 'results.submission_file.zip') as archive:
        assert archive.namelist() == ['results.json']


def test_format_only_writes_and_does_not_score(case, tmp_path):
    path, gt, results = case
    prefix = tmp_path / 'sub' / 'ifc'
    metric = VISMetric(ann_file=str(path), format_only=True, outfile_prefix=str(prefix))
    assert evaluate(metric, records(gt, results)) == {}
    written = json.loads((tmp_path / 'sub' / 'ifc.json').read_text())
    order = {video['id']: place for place, video in enumerate(gt['videos'])}
    is_same = written == sorted(results, key=lambda r: order[r['video_id']])
    assert is_same


def test_files_and_scores_together(case, tmp_path):
    path, gt, results = case
    metric = VISMetric(ann_file=str(path), outfile_prefix=str(tmp_path / 'results'))
    metrics = evaluate(metric, records(gt, results))
    written = json.loads((tmp_path / 'results.json').read_text())
    assert metrics == expected_stats(evaluate_ytvis(gt, written))


def test_short_and_long_videos_apart(case):
    path, gt, results = case
    metric = VISMetric(ann_file=str(path), min_long_len=20)
    metrics = evaluate(metric, records(gt, results))
    mean = (metrics['youtube_vis/AP_S'] + metrics['youtube_vis/AP_L']) / 2
    assert metrics['youtube_vis/AP'] == mean
    with pytest.raises(ValueError, match='not both'):
        VISMetric(min_long_len=20, short_ann_file='valid.json')


def test_bad_annotation_file_fails_at_the_first_video(case, tmp_path):
    _, gt, results = case
    (tmp_path / 'gt.json').write_text('{"videos": [')
    metric = VISMetric(ann_file=str(tmp_path / 'gt.json'))
    with pytest.raises(ValueError, match=r'gt.json: videos\[0\]: not JSON'):
        metric.process(None, [records(gt, results)[0].to_dict()])
    with pytest.raises(ValueError, match='needs the annotation file'):
        VISMetric().process(None, [records(gt, results)[0].to_dict()])


def _worker(rank, folder, path):
    """Evaluate uneven shares, with one video given to both ranks."""
    torch.set_num_threads(1)
    store = f'file://{folder}/store'
    dist.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    gt = json.loads(gzip.decompress((MEDIUM / 'gt.json.gz').read_bytes()))
    results = json.loads(gzip.decompress((MEDIUM / 'pred.json.gz').read_bytes()))
    samples = records(gt, results)
    share = samples[:54] if rank == 0 else samples[52:]
    metric = VISMetric(ann_file=path, collect_dir=f'{folder}/parts')
    metrics = evaluate(metric, share, size=len(gt['videos']))
    Path(folder, f'{rank}.json').write_text(json.dumps(metrics))
    dist.destroy_process_group()


def test_two_processes_equal_one(case, tmp_path):
    path, gt, results = case
    mp.spawn(_worker, (str(tmp_path), str(path)), nprocs=2)
    single = evaluate(VISMetric(ann_file=str(path)), records(gt, results))
    for rank in range(2):
        assert json.loads((tmp_path / f'{rank}.json').read_text()) == single
