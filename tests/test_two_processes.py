"""All that processes of one run share: means, seeds, shares, turns, files.

Two processes over gloo run the jobs below once; the tests compare what they return
with one process that has the data of both.
"""

import json
import os
import random
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn

from mmvis.datasets.samplers import SeededInfiniteSampler, VideoChunkSampler
from mmvis.engine.checkpoint_schemes import load_from_http
from mmvis.engine.hooks import ReproducibleTrainingHook, VideoRecordHook
from mmvis.evaluation import VISMetric
from mmvis.models.roi_heads import StageOutput
from mmvis.registry import MODELS
from mmvis.visualization import VISVisualizer
from mmvis.zoo import download

Q, T, K, H, W = 5, 3, 4, 16, 24
# Instances of the clips of rank 0 and 1, different in number; and none of rank 0.
COUNTS = {'both': (3, 1), 'first_empty': (0, 2)}

CLIP_MASK = dict(
    type='ClipMaskCriterion',
    num_classes=K,
    assigner=dict(
        type='ClipHungarianAssigner', match_costs=[dict(type='ClassificationCost')]
    ),
    loss_cls=dict(type='CrossEntropyLoss'),
    loss_mask=dict(type='FocalLoss'),
    loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0),
)
SEQUENCE = dict(
    CLIP_MASK,
    type='InstanceSequenceCriterion',
    assigner=dict(
        type='ClipHungarianAssigner',
        match_costs=[dict(type='FrameMeanCost', cost=dict(type='ClassificationCost'))],
    ),
    loss_bbox=dict(type='L1Loss'),
    loss_iou=dict(type='GIoULoss'),
)
FRAME_MASK = dict(
    CLIP_MASK,
    type='FrameMaskCriterion',
    assigner=dict(
        type='FirstFrameAssigner', match_costs=[dict(type='ClassificationCost')]
    ),
    masks=dict(type='DenseMasks'),
)
STAGES = dict(
    type='ClipRoICriterion',
    assigner=dict(
        type='ClipHungarianAssigner',
        match_costs=[dict(type='FrameMeanCost', cost=dict(type='BBoxL1Cost'))],
    ),
)


def clip_sample(seed, num_instances):
    """Ground truth of a clip of random boxes, filled."""
    rng = np.random.default_rng(seed)
    sample, frames = TrackDataSample(), []
    labels = torch.from_numpy(rng.integers(0, K, num_instances))
    for _ in range(T):
        masks = np.zeros((num_instances, H, W), np.uint8)
        corners = rng.integers(0, (W // 2, H // 2), (num_instances, 2))
        bboxes = np.concatenate([corners, corners + rng.integers(3, 8)], axis=1)
        for mask, (x1, y1, x2, y2) in zip(masks, bboxes):
            mask[y1:y2, x1:x2] = 1
        meta = dict(img_shape=(H, W), batch_input_shape=(H, W))
        frame = DetDataSample(metainfo=meta)
        frame.gt_instances = InstanceData(
            labels=labels,
            masks=BitmapMasks(masks, H, W),
            bboxes=torch.from_numpy(bboxes).float(),
            visible=torch.ones(num_instances, dtype=torch.bool),
        )
        frames.append(frame)
    sample.video_data_samples = frames
    return sample


def draw(seeds, *shape):
    """One random clip (1, *shape) for each seed."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return torch.stack([torch.randn(shape, generator=g) for g in generators])


def clip_mask_losses(seeds, counts):
    layer = dict(
        cls_logits=draw(seeds, Q, K + 1), mask_logits=draw(seeds, Q, T, H // 4, W // 4)
    )
    samples = [clip_sample(s, n) for s, n in zip(seeds, counts)]
    return MODELS.build(CLIP_MASK)([layer], samples)


def frame_mask_losses(seeds, counts):
    layer = dict(
        cls_logits=draw(seeds, Q, T, K + 1),
        mask_logits=draw(seeds, Q, T, H // 4, W // 4),
    )
    samples = [clip_sample(s, n) for s, n in zip(seeds, counts)]
    return MODELS.build(FRAME_MASK)([layer], samples)


def sequence_losses(seeds, counts):
    layer = dict(
        cls_logits=draw(seeds, Q, T, K + 1),
        bboxes_cxcywh=draw(seeds, Q, T, 4).sigmoid(),
        mask_logits=draw(seeds, Q, T, H // 4, W // 4),
    )
    samples = [clip_sample(s, n) for s, n in zip(seeds, counts)]
    return MODELS.build(SEQUENCE)([layer], samples)


class MeanMaskHead(nn.Module):
    """Each class is seen with the mean of the query's features."""

    def forward(self, roi_feats, attn_feats):
        return attn_feats.mean(-1)[:, None, None, None].expand(-1, K, 4, 4)

    def loss_mask(self, probs, targets, avg_factor):
        return (probs - targets).abs().mean((1, 2)).sum() / avg_factor


def stage_losses(seeds, counts):
    corners = draw(seeds, T, Q, 2).abs() * 4
    boxes = torch.cat([corners, corners + 6], -1)
    stage = StageOutput(draw(seeds, T, Q, K), boxes, draw(seeds, T, Q, 8), boxes)
    bbox_head = SimpleNamespace(
        loss_cls=MODELS.build(dict(type='FocalLoss', use_sigmoid=True)),
        loss_bbox=MODELS.build(dict(type='L1Loss')),
        loss_iou=MODELS.build(dict(type='GIoULoss')),
    )
    roi_head = SimpleNamespace(
        bbox_head=[bbox_head],
        mask_head=[MeanMaskHead()],
        mask_roi_extractor=[lambda maps, rois: torch.zeros(len(rois), 8, 2, 2)],
        stage_loss_weights=[1],
    )
    return MODELS.build(STAGES)(
        [stage],
        [clip_sample(s, n) for s, n in zip(seeds, counts)],
        roi_head=roi_head,
        maps=[torch.zeros(1)],
        whwh=torch.tensor([[W, H, W, H]] * len(seeds)).float(),
    )


CRITERIA = dict(
    clip_mask=clip_mask_losses,
    frame_mask=frame_mask_losses,
    sequence=sequence_losses,
    stage=stage_losses,
)


def compute(name, seeds, counts):
    init_default_scope('mmvis')
    losses = CRITERIA[name](seeds, counts)
    return {key: float(value) for key, value in losses.items()}


def job_losses(rank, folder):
    return {
        f'{name}/{case}': compute(name, [rank], [counts[rank]])
        for name in CRITERIA
        for case, counts in COUNTS.items()
    }


class Videos:
    """A data set of videos of some lengths."""

    lengths = (4, 9, 2, 7, 5)
    metainfo = dict(classes=('square',))
    ann_file, backend_args = __file__, None  # only its bytes count

    def __len__(self):
        return len(self.lengths)

    def get_data_info(self, i):
        return dict(video_len=self.lengths[i], video_id=i + 1, img_paths=[])


def job_training_samples(rank, folder):
    """Without a seed of the config: drawn, and shared."""
    sampler = SeededInfiniteSampler(Videos())
    indices = iter(sampler)
    drawn = [next(indices) for _ in range(10)]
    return dict(seed=sampler.seed, samples=[[int(i), list(i.seed)] for i in drawn])


def job_test_videos(rank, folder):
    return [list(index) for index in VideoChunkSampler(Videos(), chunk_len=3)]


def job_random_numbers(rank, folder):
    sampler = SimpleNamespace(seed=3)
    loader = SimpleNamespace(batch_sampler=SimpleNamespace(sampler=sampler))
    runner = SimpleNamespace(train_loop=SimpleNamespace(dataloader=loader), iter=7)
    ReproducibleTrainingHook().before_train_iter(runner, 0)
    return [torch.rand(()).item(), random.random()]


def job_download(rank, folder):
    """One process alone; the other waits for its file in the cache."""
    os.environ['MMVIS_HOME'] = folder

    def save(remote, path):
        time.sleep(0.3)
        Path(folder, f'downloaded_by_{rank}').touch()
        torch.save(dict(state_dict=dict(weight=torch.ones(1))), path)

    download._download = save
    return load_from_http('https://host/net.pth')['state_dict']['weight'].tolist()


def job_old_records(rank, folder):
    """A new test: the main process removes records before others look for them."""
    out_dir = Path(folder, 'records')
    if rank == 0:
        out_dir.mkdir()
        (out_dir / 'video_1.json').write_text('of another test')
    dist.barrier()
    if rank == 0:
        time.sleep(0.3)
    sampler = VideoChunkSampler(Videos())
    loader = SimpleNamespace(dataset=Videos(), sampler=sampler)
    runner = SimpleNamespace(test_loop=SimpleNamespace(dataloader=loader))
    hook = VideoRecordHook(str(out_dir), dict(checkpoint='abc'))
    hook.before_test_epoch(runner)
    return sorted(path.name for path in out_dir.iterdir())


def job_resumed_test(rank, folder):
    """Rank 0 finishes its share, rank 1 is killed before its first video ends."""
    taken = []
    sampler = VideoChunkSampler(Videos())
    loop = SimpleNamespace(
        dataloader=SimpleNamespace(dataset=Videos(), sampler=sampler),
        evaluator=SimpleNamespace(
            process=lambda data_samples: taken.extend(data_samples)
        ),
    )
    runner = SimpleNamespace(test_loop=loop, logger=MMLogger.get_current_instance())
    records, run = f'{folder}/interrupted', dict(checkpoint='abc')
    hook = VideoRecordHook(records, run)
    hook.before_test_epoch(runner)
    first_share = list(sampler.video_lens)
    for i in first_share if rank == 0 else ():
        info = Videos().get_data_info(i)
        sample = TrackDataSample(metainfo=dict(ori_shape=(H, W), **info))
        sample.pred_track_instances = InstanceData(
            labels=torch.zeros(1, dtype=torch.long),
            scores=torch.ones(1),
            instances_id=torch.zeros(1, dtype=torch.long),
            masks=[[None] * info['video_len']],
            bboxes=[[None] * info['video_len']],
        )
        hook.after_test_iter(runner, 0, outputs=[sample])
    dist.barrier()
    VideoRecordHook(records, run, resume=True).before_test_epoch(runner)
    return dict(
        first=first_share,
        second=list(sampler.video_lens),
        taken=[sample.video_id for sample in taken],
    )


def job_pictures(rank, folder):
    sample = clip_sample(0, 1)
    for frame in sample.video_data_samples:
        frame.gt_instances.instances_id = torch.tensor([1])
    visualizer = VISVisualizer()
    visualizer.dataset_meta = dict(classes=[f'class {k}' for k in range(K)])
    frames = [np.zeros((H, W, 3), np.uint8)] * T
    visualizer.add_datasample('x', frames, sample, out_file=f'{folder}/{rank}.png')
    return Path(folder, f'{rank}.png').exists()


def job_metric(rank, folder):
    """A perfect video for each rank; the files are of both."""
    segmentation = dict(size=[2, 2], counts=[0, 4])
    path = Path(folder, f'valid_{rank}.json')
    videos = [
        dict(id=i, width=2, height=2, length=1, file_names=['0.jpg']) for i in (1, 2)
    ]
    annotations = [
        dict(
            id=i, video_id=i, category_id=1, iscrowd=0, width=2, height=2, length=1,
            segmentations=[segmentation], bboxes=[[0, 0, 2, 2]], areas=[4],
        )
        for i in (1, 2)
    ]  # fmt: skip
    categories = [dict(id=1, name='square')]
    path.write_text(
        json.dumps(dict(videos=videos, annotations=annotations, categories=categories))
    )
    metric = VISMetric(ann_file=str(path), outfile_prefix=f'{folder}/results_{rank}')
    tracks = dict(
        labels=torch.tensor([0]),
        scores=torch.tensor([0.9]),
        masks=[[dict(size=[2, 2], counts='04')]],
    )
    metric.process(None, [dict(video_id=rank + 1, pred_track_instances=tracks)])
    metrics = metric.evaluate(size=2)
    return dict(
        ap=metrics['youtube_vis/AP'],
        files=sorted(p.name for p in Path(folder).glob(f'results_{rank}*')),
    )


JOBS = {name: job for name, job in globals().items() if name.startswith('job_')}


def _process(rank, folder):
    torch.set_num_threads(1)
    init_default_scope('mmvis')
    store = f'file://{folder}/store'
    dist.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    results = {}
    for name, job in JOBS.items():
        results[name] = job(rank, folder)
        dist.barrier()
    Path(folder, f'{rank}.json').write_text(json.dumps(results))
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    """Results of the jobs, of rank 0 and rank 1, and the folder they share."""
    folder = tmp_path_factory.mktemp('processes')
    mp.spawn(_process, (str(folder),), nprocs=2)
    results = [json.loads((folder / f'{rank}.json').read_text()) for rank in (0, 1)]
    return {name: [r[name] for r in results] for name in JOBS} | dict(folder=folder)


@pytest.mark.parametrize('name', CRITERIA)
def test_mean_over_ranks_is_the_loss_of_the_whole_batch(ranks, name):
    """As DDP averages gradients, so that the number of processes changes nothing."""
    first, second = (losses[f'{name}/both'] for losses in ranks['job_losses'])
    whole = compute(name, [0, 1], COUNTS['both'])
    assert len(whole) >= 3
    for key, value in whole.items():
        assert value > 0
        assert (first[key] + second[key]) / 2 == pytest.approx(value, rel=1e-5), key


@pytest.mark.parametrize('name', CRITERIA)
def test_counts_are_averaged_before_they_are_kept_above_one(ranks, name):
    """None and two instances: the mean is one, not one and a half."""
    first, second = (losses[f'{name}/first_empty'] for losses in ranks['job_losses'])
    alone = compute(name, [1], COUNTS['first_empty'][1:])
    for key in [key for key in alone if not key.endswith('loss_cls')]:
        assert first[key] == 0
        assert second[key] == pytest.approx(2 * alone[key], rel=1e-5), key


def test_ranks_share_one_stream_of_training_samples(ranks):
    first, second = ranks['job_training_samples']
    assert first['seed'] == second['seed']
    alone = SeededInfiniteSampler(Videos(), seed=first['seed'])
    stream = [[int(i), list(i.seed)] for i, _ in zip(alone, range(20))]
    assert first['samples'] == stream[0::2]
    assert second['samples'] == stream[1::2]


def test_each_test_video_belongs_to_one_rank(ranks):
    first, second = ranks['job_test_videos']
    videos = [{video for video, _ in share} for share in (first, second)]
    assert videos[0].isdisjoint(videos[1])
    alone = [list(index) for index in VideoChunkSampler(Videos(), chunk_len=3)]
    assert sorted(first + second) == sorted(alone)
    frames = [sum(len(inds) for _, inds in share) for share in (first, second)]
    assert abs(frames[0] - frames[1]) <= min(Videos.lengths)


def test_ranks_draw_random_numbers_of_their_own(ranks):
    first, second = ranks['job_random_numbers']
    assert all(a != b for a, b in zip(first, second))


def test_one_process_downloads_alone(ranks):
    assert ranks['job_download'] == [[1.0]] * 2
    assert len(list(ranks['folder'].glob('downloaded_by_*'))) == 1


def test_old_records_are_removed_before_any_rank_reads_them(ranks):
    assert ranks['job_old_records'] == [['run.json']] * 2


def test_resumed_ranks_share_what_is_missing(ranks):
    """No video of the killed rank is lost, none is taken twice, both ranks work."""
    first, second = ranks['job_resumed_test']
    assert (first['first'], second['first']) == ([0, 1], [2, 3, 4])
    assert (first['taken'], second['taken']) == ([1, 2], [])
    assert (first['second'], second['second']) == ([3], [2, 4])  # 7 frames each


def test_only_the_main_process_draws(ranks):
    assert ranks['job_pictures'] == [True, False]


def test_metric_gathers_the_videos_of_all_ranks(ranks):
    """The files, written once, hold both videos."""
    first, second = ranks['job_metric']
    assert first['ap'] == second['ap'] == 1
    assert first['files'] == ['results_0.json', 'results_0.submission_file.zip']
    assert second['files'] == []
    written = json.loads((ranks['folder'] / 'results_0.json').read_text())
    assert [entry['video_id'] for entry in written] == [1, 2]
