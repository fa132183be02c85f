"""From outputs, and from frames, to results as the original's inference does it."""

import json

import mmcv
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from pycocotools import mask as mask_api

from mmvis.inference import TestCfg
from mmvis.testing import load_pseudo

T, N, SIZE = 6, 10, (180, 300)
CLASSES = [*range(1, 41), 0, 41]


def read_case(golden, name):
    """Instances whose category exists; index 0 of the original is none."""
    content = json.loads(golden.find('postprocess_r50_t6.json').read_text())
    case = content['cases'][name]
    kept = [i for i in case['instances'] if i['category_id'] != 0]
    return kept, case


def make_sample(video_len, img_shape):
    """Data sample of a whole video."""
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(
            metainfo=dict(
                img_shape=img_shape,
                ori_shape=SIZE,
                frame_id=t,
                video_id=7,
                video_len=video_len,
            )
        )
        for t in range(video_len)
    ]
    return sample


def decode(rles):
    empty = np.zeros(SIZE, np.uint8)
    return np.stack([empty if r is None else mask_api.decode(r) for r in rles])


def stored_outputs(golden, forward, name):
    """Class and mask logits (N, T, ...) of a case of the file."""
    if name == 'len6':
        logits, masks = forward['pred_logits'], forward['pred_masks']
    else:
        source = 'synthetic' if name.startswith('synthetic') else 'len4'
        logits, masks = golden[f'{source}/pred_logits'], golden[f'{source}/pred_masks']
    video_len = int(name[-1])
    return [
        x[0].unflatten(0, (T, N))[:video_len].transpose(0, 1)
        for x in (logits[..., CLASSES], masks)
    ]


@pytest.mark.parametrize('name', ['len6', 'len4', 'synthetic_len6', 'synthetic_len4'])
def test_results_from_outputs(vistr_golden, monkeypatch, name):
    golden = vistr_golden('postprocess_r50_t6_outputs', recipe='forward_r50_t6')
    forward = vistr_golden('forward_r50_t6')
    model = forward.build_model()
    video_len = int(name[-1])
    prediction = model.head.join_frames(*stored_outputs(golden, forward, name))
    monkeypatch.setattr(model.head, 'predict', lambda *_: ([prediction], None))
    stream = model.open_stream(SIZE, video_len)
    stream.push(
        torch.zeros(1, video_len, 3, 32, 32), [make_sample(video_len, (32, 32))]
    )
    record = stream.record()

    expected, _ = read_case(golden, name)
    labels = [i['category_id'] - 1 for i in expected]
    assert record.labels.tolist() == labels
    scores = torch.tensor([i['score'] for i in expected])
    torch.testing.assert_close(record.scores, scores, atol=1e-6, rtol=0)
    for masks, instance in zip(record.masks, expected):
        wanted = decode(instance['segmentations'])
        differing = (decode(masks) != wanted).sum((1, 2))
        assert differing.max() <= 20


@pytest.mark.parametrize('name', ['image_len6', 'image_len4'])
def test_results_from_frames(vistr_golden, name):
    golden = vistr_golden('forward_r50_t6')
    model = golden.build_model()
    model.test_cfg = TestCfg(clip_len=T, multi_class=False)
    video_len = int(name[-1])
    frames = load_pseudo().pseudo_clip(T, *SIZE)[:video_len, ..., ::-1]
    frames = [mmcv.imresize(f.copy(), (500, 300), backend='pillow') for f in frames]
    sample = make_sample(video_len, (300, 500))
    inputs = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    (result,) = model.test_step(dict(inputs=[inputs], data_samples=[sample]))
    tracks = result.pred_track_instances

    expected, case = read_case(golden, name)
    assert tracks.labels.tolist() == [i['category_id'] - 1 for i in expected]
    scores = torch.tensor([i['score'] for i in expected])
    torch.testing.assert_close(tracks.scores, scores, atol=1e-4, rtol=0)
    differing = 0
    for masks, instance in zip(tracks.masks, expected):
        assert len(masks) == video_len
        differing += (decode(masks) != decode(instance['segmentations'])).sum()
    assert differing <= case['near_threshold']['within_1e-3']
