"""Transfers to the host per clip: each stops a GPU, so that none may creep in."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from mmvis.apis import init_model
from mmvis.benchmarks.host_transfers import DeviceTensor, count_host_transfers
from mmvis.benchmarks.merging import MovingObjects
from mmvis.benchmarks.models import frame_samples
from mmvis.inference import TestCfg, VideoStream

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 96)
# Of the recorder, for each frame: logits to encode; of packed masks the facts, the
# shape of the values, the values and the signs.
RECORD = Counter(cpu=3, tolist=1, index=1)
# Of each clip: whether it is NaN, and the class vectors.
STREAM = Counter(tolist=1, cpu=1)
# Of each clip, masks and class vectors to match with.
IFC_MERGER = Counter(cpu=2)
# Classes; overlap of predictions, with themselves and with tracks; motion.
TRACK_MERGER = Counter(cpu=4)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def transfers_per_frame(model, cfg, make_frame, kept=True):
    """What each further frame of a video adds, with a clip for each frame."""
    counts = []
    for num_frames in (8, 12):
        stream = VideoStream(
            model, cfg, ori_shape=SIZE, video_len=num_frames, keep_record=kept
        )
        with count_host_transfers() as found, torch.no_grad():
            for t in range(num_frames):
                frame = make_frame(t).as_subclass(DeviceTensor)
                stream.push(frame, frame_samples(range(t, t + 1), SIZE))
            stream.end()
        counts.append(found)
    added = counts[1] - counts[0]
    assert all(number % 4 == 0 for number in added.values())
    return Counter({name: number // 4 for name, number in added.items()})


def test_what_the_host_waits_for_is_counted():
    x = torch.tensor([1.0, 0.0]).as_subclass(DeviceTensor)
    with count_host_transfers() as found:
        y = x + 1
        assert type(y) is DeviceTensor
        y[0].item()
        y[y > 1]
        y.nonzero()
        y[torch.tensor([0])]
        bool(y[1] > 5)
        y.tolist()
        assert type(y.cpu()) is torch.Tensor
        assert type(y.to('cpu')) is torch.Tensor
        y.cpu().tolist()  # is there already
        y.double().to(torch.float32)
        torch.where(y > 1)
        torch.where(y > 1, y, 0)
        y.numpy()
    assert found == Counter(
        item=1, index=1, nonzero=2, __bool__=1, tolist=1, cpu=2, to=1, numpy=1
    )


def test_counts_end_with_the_body_and_nest():
    x = torch.ones(1).as_subclass(DeviceTensor)
    with count_host_transfers() as outer:
        x.item()
        with count_host_transfers() as inner:
            x.item()
        x.item()
    x.item()
    assert (outer['item'], inner['item']) == (2, 1)


@pytest.mark.parametrize('num_objects', [2, 5])
@pytest.mark.parametrize(
    ('merger', 'expected'),
    [
        ('IFCClipMerger', IFC_MERGER),
        ('TrackClipMerger', TRACK_MERGER),
        ('QueryIndexMerger', Counter()),
    ],
)
@pytest.mark.parametrize('kept', [False, True], ids=['stream', 'record'])
def test_mergers_and_recorder_never_ask_for_a_track(
    merger, expected, num_objects, kept
):
    model = MovingObjects(num_objects, 12, SIZE)
    model.mask_logits = model.mask_logits.as_subclass(DeviceTensor)
    model.cls_probs = model.cls_probs.as_subclass(DeviceTensor)
    cfg = TestCfg(clip_len=3, clip_stride=1, merger=dict(type=merger))
    found = transfers_per_frame(
        model, cfg, lambda t: torch.full((1, 1, 1, 1, 1), t), kept
    )
    assert found == STREAM + expected + (RECORD if kept else Counter())


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        # Which queries are no object: one question a clip.
        ('tests/data/configs/ifc_tiny.py', IFC_MERGER + Counter(nonzero=1)),
        ('configs/vistr_small_shapes.py', TRACK_MERGER + Counter(nonzero=1)),
        # How many boxes each level has, for 3 stages and the masks.
        ('configs/tevit_small_shapes.py', TRACK_MERGER + Counter(tolist=4)),
        ('configs/videomt_small_shapes.py', Counter()),
    ],
    ids=['ifc', 'vistr', 'tevit', 'videomt'],
)
def test_methods_ask_for_each_clip_as_often_as_stated(config, expected):
    model = init_model(ROOT / config)
    cfg = model.test_cfg
    assert (cfg.clip_stride or 1) == 1
    found = transfers_per_frame(
        model, cfg, lambda t: torch.randn(1, 1, 3, *SIZE), kept=False
    )
    assert found == STREAM + expected
