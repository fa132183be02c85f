"""Converted stand-in checkpoints reproduce what the original TeViT computes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from pycocotools import mask as mask_utils

from mmvis.structures import RoIFrameMasks

CLOSE = dict(atol=1e-4, rtol=0)


def data_samples(recipe):
    sample = TrackDataSample()
    meta = dict(img_shape=recipe['img_hw'], batch_input_shape=recipe['pad_hw'])
    sample.video_data_samples = [DetDataSample(metainfo=meta)] * recipe['T']
    return [sample]


def record(modules, pick):
    """List that ``pick(inputs, outputs)`` of each call of the modules goes to."""
    calls = []
    for module in modules:
        module.register_forward_hook(
            lambda _, inputs, outputs: calls.append(pick(inputs, outputs))
        )
    return calls


@torch.no_grad()
@pytest.mark.parametrize('variant', ['msgshift', 'r50'])
def test_forward_and_detections(tevit_golden, variant, monkeypatch):
    golden = tevit_golden(f'forward_{variant}_t5', variant)
    recipe = golden.recipe
    model = golden.build_model()
    frames = golden.clip(recipe['T'], recipe['img_hw'], recipe['pad_hw'])
    features = model.extract_feat(frames[None], data_samples(recipe))
    check_levels(golden, features.maps)
    head = model.head
    object_feats = record(head.roi_head.bbox_head, lambda _, outputs: outputs[2])
    rois = record(head.roi_head.mask_roi_extractor[-1:], lambda inputs, _: inputs[1])
    mask_logits = record(head.roi_head.mask_head[-1:], lambda _, outputs: outputs)
    stages = []
    forward_stages = head.forward_stages

    def record_stages(features):
        for stage in forward_stages(features):
            stages.append(stage)
            yield stage

    monkeypatch.setattr(head, 'forward_stages', record_stages)
    assert head.num_tracks == 10
    head.num_tracks = 12  # as many as the golden ranking has
    (prediction,), _ = head.predict(features)
    check_stages(golden, stages, object_feats)
    check_ranking(golden, prediction, stages[-1])
    best = replace(
        prediction,
        cls_probs=prediction.cls_probs[:10],
        roi_logits=prediction.roi_logits[:10],
        bboxes=prediction.bboxes[:10],
    )
    check_detections(golden, best)
    rois = torch.cat(rois).unflatten(0, (recipe['T'], 12))[:, :10]
    check_rois(golden, rois)
    mask_logits = torch.cat(mask_logits).unflatten(0, (recipe['T'], 12))[:, :10]
    check_masks(golden, best, mask_logits)


def check_levels(golden, maps):
    for l, x in enumerate(maps):
        x = x[0].double()
        actual = dict(
            fpn=x[:, ::32, ::5, ::5].float(),
            mean=x.mean((1, 2, 3)),
            std=x.std((1, 2, 3), correction=0),
        )
        expected = dict(
            fpn=golden[f'fpn{l}'],
            mean=golden[f'fpn{l}_mean'],
            std=golden[f'fpn{l}_std'],
        )
        torch.testing.assert_close(actual, expected, **CLOSE)


def check_stages(golden, stages, object_feats):
    assert len(stages) == len(object_feats) == 6
    for s, stage in enumerate(stages):
        actual = dict(
            cls_score=stage.cls_logits[0],
            attn_feats=stage.attn_feats[0, :, ::4, ::16],
            object_feats=object_feats[s][0, :, ::4, ::16],
        )
        expected = {key: golden[f'stage{s}/{key}'] for key in actual}
        torch.testing.assert_close(actual, expected, **CLOSE)
        golden.assert_same_boxes(
            stage.bboxes[0], golden[f'stage{s}/boxes'], golden.recipe['img_hw']
        )


def check_ranking(golden, prediction, last):
    """The best twelve (query, class) pairs; a query is known by its boxes."""
    pairs = golden['clip_index_top12']
    scores, labels = prediction.cls_probs[:, :-1].max(1)
    torch.testing.assert_close(scores, golden['clip_score_top12'], **CLOSE)
    assert torch.equal(labels, pairs % 40)
    h, w = golden.recipe['img_hw']
    bboxes = prediction.bboxes.transpose(0, 1) * torch.tensor([w, h, w, h])
    distances = (bboxes[:, :, None] - last.bboxes[0][:, None]).abs().amax((0, 3))
    assert torch.equal(distances.argmin(1), pairs // 40)


def best_first(golden):
    """Order of the golden detections by their score; upstream does not sort them."""
    return golden['det_bboxes'][0, :, 4].argsort(descending=True)


def check_detections(golden, prediction):
    order = best_first(golden)
    scores, labels = prediction.cls_probs[:, :-1].max(1)
    T, (h, w) = golden.recipe['T'], golden.recipe['ori_hw']
    expected = golden['det_bboxes'][:, order]
    torch.testing.assert_close(scores.expand(T, -1), expected[..., 4], **CLOSE)
    assert torch.equal(labels.expand(T, -1), golden['det_labels'][:, order])
    bboxes = prediction.bboxes.transpose(0, 1) * torch.tensor([w, h, w, h])
    golden.assert_same_boxes(bboxes, expected[..., :4], (h, w))


def check_rois(golden, rois):
    expected = golden['mask_rois'].view_as(rois)[:, best_first(golden)]
    assert torch.equal(rois[..., 0], expected[..., 0])
    golden.assert_same_boxes(rois[..., 1:], expected[..., 1:], golden.recipe['img_hw'])


def check_masks(golden, prediction, all_classes):
    """Masks within boxes, of all classes and of the kept one; then as pasted."""
    order = best_first(golden)
    picked = all_classes[:, :, ::5, ::4, ::4]
    expected = golden['mask_logits_strided'][:, order]
    torch.testing.assert_close(picked, expected, **CLOSE)
    logits = prediction.roi_logits.transpose(0, 1)  # (T, N, 28, 28)
    expected = golden['mask_logits_label'][:, order]
    torch.testing.assert_close(logits, expected, **CLOSE)

    shape = golden.arrays['masks_shape']
    bits = np.unpackbits(golden.arrays['masks_packed'])[: np.prod(shape)]
    expected = bits.reshape(shape)[:, order].astype(bool)
    masks = np.zeros_like(expected)
    size = golden.recipe['ori_hw']
    for t, frame in enumerate(zip(logits, prediction.bboxes.transpose(0, 1))):
        for n, encoded in enumerate(RoIFrameMasks(*frame).encode(size)):
            if encoded is not None:
                rle = dict(size=size, counts=encoded.counts)
                masks[t, n] = mask_utils.decode(rle)
    # Pixels whose probability is 0.5 but for the rounding.
    num_undecided = max(2, 2e-4 * expected.sum())
    assert (masks != expected).sum() <= num_undecided
    areas = golden.arrays['mask_areas'][:, order]
    assert abs(masks.sum((2, 3)) - areas).sum() <= num_undecided
