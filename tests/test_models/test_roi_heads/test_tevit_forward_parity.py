"""Converted stand-in checkpoints reproduce what the original TeViT computes."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from pycocotools import mask as mask_utils

from mmvis.models.vis.roi_mask_encoding import encode_roi_masks

# golden/tevit/meta.json, "tolerances"
FPN = dict(atol=1e-4, rtol=0)
LOGITS = dict(atol=1e-3, rtol=0)
BOXES = dict(atol=0.05, rtol=0)
MASKS = dict(atol=2e-3, rtol=0)


def data_samples(recipe):
    sample = TrackDataSample()
    meta = dict(img_shape=recipe['img_hw'], batch_input_shape=recipe['pad_hw'])
    sample.video_data_samples = [DetDataSample(metainfo=meta)] * recipe['T']
    return [sample]


@torch.no_grad()
@pytest.mark.parametrize('variant', ['msgshift', 'r50'])
def test_forward_and_detections(tevit_golden, variant):
    golden = tevit_golden(f'forward_{variant}_t5', variant)
    recipe = golden.recipe
    model = golden.build_model()
    frames = golden.clip(recipe['T'], recipe['img_hw'], recipe['pad_hw'])
    features = model.extract_feat(frames[None], data_samples(recipe))
    for l, x in enumerate(features.maps):
        picked = x[0, :, ::32, ::5, ::5]
        torch.testing.assert_close(picked, golden[f'fpn{l}'], **FPN)
    stages = list(model.head.forward_stages(features))
    assert len(stages) == 6
    for s, stage in enumerate(stages):
        expected = golden[f'stage{s}/cls_score']
        torch.testing.assert_close(stage.cls_logits[0], expected, **LOGITS)
        expected = golden[f'stage{s}/boxes']
        torch.testing.assert_close(stage.bboxes[0], expected, **BOXES)
        picked = stage.attn_feats[0, :, ::4, ::16]
        expected = golden[f'stage{s}/attn_feats']
        torch.testing.assert_close(picked, expected, **LOGITS)
    (prediction,) = model.head.predict(features)
    check_detections(golden, prediction, recipe)


def check_detections(golden, prediction, recipe):
    scores = prediction.cls_probs[:, :-1]
    best, labels = scores.max(1)
    expected = golden['clip_score_top12'][:10]
    torch.testing.assert_close(best, expected, atol=1e-4, rtol=0)
    order = golden['det_bboxes'][0, :, 4].argsort(descending=True)
    assert torch.equal(labels, golden['det_labels'][0, order])
    h, w = recipe['ori_hw']
    bboxes = prediction.bboxes.transpose(0, 1) * torch.tensor([w, h, w, h])
    expected = golden['det_bboxes'][:, order, :4]
    torch.testing.assert_close(bboxes, expected, **BOXES)
    logits = prediction.roi_logits.transpose(0, 1)  # (T, N, 28, 28)
    expected = golden['mask_logits_label'][:, order]
    torch.testing.assert_close(logits, expected, **MASKS)

    shape = golden.arrays['masks_shape']
    bits = np.unpackbits(golden.arrays['masks_packed'])[: np.prod(shape)]
    expected = bits.reshape(shape)[:, order].astype(bool)
    masks = np.zeros_like(expected)
    for t, frame in enumerate(zip(logits, prediction.bboxes.transpose(0, 1))):
        for n, counts in enumerate(encode_roi_masks(*frame, (h, w))):
            if counts is not None:
                masks[t, n] = mask_utils.decode(dict(size=[h, w], counts=counts))
    differing = (masks != expected).sum()
    assert differing <= max(20, 0.001 * expected.sum())
