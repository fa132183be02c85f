"""One row per track with its best class, as the original writes it with `.json`."""

import json

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from pycocotools import mask as mask_api

from mmvis.inference.test_cfg import TestCfg
from mmvis.testing import load_pseudo


def load_frames(golden, video_len):
    """The whole video as a data loader gives it."""
    frames = load_pseudo().pseudo_clip(video_len, *golden.arrays['size'].tolist())
    meta = dict(
        img_shape=frames.shape[1:3],
        ori_shape=tuple(golden.arrays['output_size'].tolist()),
        video_id=1,
        video_len=video_len,
    )
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(metainfo=dict(meta, frame_id=t)) for t in range(video_len)
    ]
    bgr = torch.from_numpy(frames[..., ::-1].copy()).permute(0, 3, 1, 2)
    return dict(inputs=[bgr], data_samples=[sample])


@pytest.mark.parametrize(
    'name',
    ['merge_e2e_r50_l4_t5_s1', 'merge_e2e_r50_l12_t5_s1', 'merge_e2e_r50_l12_t5_s3'],
)
def test_tracks_with_their_best_class(ifc_golden, name):
    golden = ifc_golden(name)
    expected = json.loads(golden.path_of(f'{name}.json').read_text())['slots']
    model = golden.build_model()
    model.test_cfg = TestCfg(
        clip_len=int(golden['window']),
        clip_stride=int(golden['stride']),
        merger=dict(type='IFCClipMerger'),
        multi_class=False,
        max_per_class=None,
    )
    (result,) = model.test_step(load_frames(golden, int(golden['video_length'])))
    tracks = result.pred_track_instances
    order = tracks.instances_id.argsort()
    assert tracks.instances_id[order].tolist() == [slot['slot'] for slot in expected]
    assert tracks.labels[order].tolist() == [slot['label'] for slot in expected]
    scores = torch.tensor([slot['score'] for slot in expected])
    torch.testing.assert_close(tracks.scores[order], scores, atol=5e-5, rtol=0)
    differing = 0
    for n, slot in zip(order.tolist(), expected):
        for ours, theirs in zip(tracks.masks[n], slot['segmentations'], strict=True):
            mask = mask_api.decode(theirs)
            empty = np.zeros_like(mask)
            differing += (
                mask != (empty if ours is None else mask_api.decode(ours))
            ).sum()
    assert differing <= int(golden['ambiguous_pixels'])
