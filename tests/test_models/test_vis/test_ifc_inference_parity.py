"""Near-online inference from raw frames equals that of the original IFC."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from pycocotools import mask as mask_api

from mmvis.inference.test_cfg import TestCfg
from mmvis.testing import load_pseudo


def _data(golden, frames, frame_inds, video_len):
    """What a data loader gives for some frames of the video."""
    size = tuple(golden.arrays['output_size'].tolist())
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(
            metainfo=dict(
                img_shape=frames.shape[1:3],
                ori_shape=size,
                frame_id=t,
                video_id=1,
                video_len=video_len,
            )
        )
        for t in frame_inds
    ]
    bgr = np.ascontiguousarray(frames[frame_inds][..., ::-1])
    inputs = torch.from_numpy(bgr).permute(0, 3, 1, 2)
    return dict(inputs=[inputs], data_samples=[sample])


@pytest.mark.parametrize(
    ('name', 'chunk_len'),
    [
        ('merge_e2e_r50_l4_t5_s1', 3),
        ('merge_e2e_r50_l12_t5_s1', 12),
        ('merge_e2e_r50_l12_t5_s3', 4),
    ],
)
def test_inference(ifc_golden, name, chunk_len):
    golden = ifc_golden(name)
    video_len = int(golden['video_length'])
    model = golden.build_model()
    clip_len, clip_stride = int(golden['window']), int(golden['stride'])
    model.test_cfg = TestCfg(
        clip_len=clip_len,
        clip_stride=clip_stride,
        merger=dict(type='IFCClipMerger'),
        max_per_class=None,
    )
    frames = load_pseudo().pseudo_clip(video_len, *golden.arrays['size'].tolist())
    for start in range(0, video_len, chunk_len):
        frame_inds = list(range(start, min(start + chunk_len, video_len)))
        (result,) = model.test_step(_data(golden, frames, frame_inds, video_len))
    tracks = result.pred_track_instances

    assert tracks.labels.tolist() == golden['pred_labels'].tolist()
    assert tracks.instances_id.tolist() == golden['pred_slot'].tolist()
    torch.testing.assert_close(
        tracks.scores, golden['pred_scores'].float(), atol=5e-5, rtol=0
    )
    expected = _expected_masks(golden)
    slots = tracks.instances_id.tolist()
    differing = sum(
        _num_differing(tracks.masks[slots.index(slot)], expected[slot])
        for slot in set(slots)
    )
    assert differing <= int(golden['ambiguous_pixels'])


def _num_differing(rles, masks):
    empty = np.zeros_like(masks[0])
    decoded = [empty if rle is None else mask_api.decode(rle) for rle in rles]
    return int((np.stack(decoded) != masks).sum())


def _expected_masks(golden):
    shape = golden.arrays['out_masks_shape']
    bits = np.unpackbits(golden.arrays['out_masks_bits'])
    return bits[: np.prod(shape)].reshape(shape)
