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
from mmvis.structures import frame_masks

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
    """Calls and bytes that each further frame adds, with a clip for each frame."""
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
    num_bytes = (counts[1].num_bytes - counts[0].num_bytes) / 4
    return Counter({name: number // 4 for name, number in added.items()}), num_bytes


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
    # A float, three lengths, a bool; of two floats each: five copies.
    assert found.num_bytes == 4 + 3 * 8 + 1 + 5 * 8


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
    """The bytes are those of vectors of N objects and K+1 classes, and of N x N.

    Of masks only the record needs the maps, once each, of 8 x 12 cells.
    """
    model = MovingObjects(num_objects, 12, SIZE)
    model.mask_logits = model.mask_logits.as_subclass(DeviceTensor)
    model.cls_probs = model.cls_probs.as_subclass(DeviceTensor)
    cfg = TestCfg(clip_len=3, clip_stride=1, merger=dict(type=merger))
    found, num_bytes = transfers_per_frame(
        model, cfg, lambda t: torch.full((1, 1, 1, 1, 1), t), kept
    )
    N, K = num_objects, 40
    clip = 3 + 8 * N * (K + 1)  # NaN of each of three frames; sums of probabilities
    matching = dict(
        IFCClipMerger=4 * N * N + 4 * N * (K + 1),
        # Overlaps with each other and with tracks; motion; classes.
        TrackClipMerger=8 * N * N + 36 * N + 4 * N * (K + 1),
        QueryIndexMerger=0,
    )
    maps = 4 * N * 8 * 12 + 8 if kept else 0
    assert found == STREAM + expected + (RECORD if kept else Counter())
    assert num_bytes == clip + matching[merger] + maps


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
    found, num_bytes = transfers_per_frame(
        model, cfg, lambda t: torch.randn(1, 1, 3, *SIZE), kept=False
    )
    assert found == STREAM + expected
    assert num_bytes < 2000  # the masks of a clip are at least 8,064 bytes


@torch.no_grad()
@pytest.mark.parametrize('num_frames', [2, 3])
@pytest.mark.parametrize(
    'config', ['tests/data/configs/ifc_tiny.py', 'configs/vistr_small_shapes.py']
)
def test_work_on_frames_asks_for_nothing(config, num_frames):
    """And a clip once, which queries are no object, also a clip that is short."""
    model = init_model(ROOT / config)
    frames = torch.randn(1, num_frames, 3, *SIZE).as_subclass(DeviceTensor)
    with count_host_transfers() as found:
        features = model.encode_frames(frames)
    assert found == Counter()
    with count_host_transfers() as found:
        prediction, _ = model.predict_clip(features)
    assert found == Counter(nonzero=1)
    assert prediction.num_frames == num_frames


@torch.no_grad()
@pytest.mark.parametrize('kept', [False, True], ids=['stream', 'record'])
def test_a_mask_is_encoded_once_if_the_record_needs_it(monkeypatch, kept):
    """Of 12 objects in 9 frames the result has rows of 5; a stream encodes none."""
    encoded = Counter()
    encode = frame_masks._encode

    def counting(logits, rows, columns):
        encoded[logits.tobytes()] += 1
        return encode(logits, rows, columns)

    monkeypatch.setattr(frame_masks, '_encode', counting)
    model = MovingObjects(12, 9, SIZE)
    model.cls_probs *= torch.linspace(1, 0.5, 12)[:, None]
    cfg = TestCfg(
        clip_len=3,
        clip_stride=1,
        merger=dict(type='QueryIndexMerger'),
        multi_class=False,
        max_per_video=5,
    )
    stream = VideoStream(model, cfg, ori_shape=SIZE, video_len=9, keep_record=kept)
    for t in range(9):
        frame = torch.full((1, 1, 1, 1, 1), t)
        stream.push(frame, frame_samples(range(t, t + 1), SIZE))
    stream.end()
    if kept:
        assert len(set(stream.record().instances_id.tolist())) == 5
    num_masks = (model.mask_logits[:5] > 0).flatten(2).any(2).sum()
    assert sum(encoded.values()) == (num_masks if kept else 0)
