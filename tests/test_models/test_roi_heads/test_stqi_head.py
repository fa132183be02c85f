import numpy as np
import pytest
import torch
from mmcv.ops import RoIAlign
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from mmvis import memory_limits
from mmvis.inference import TestCfg
from mmvis.ops import has_compiled_ops, paste_masks
from mmvis.registry import MODELS

SIZE, PADDED = (44, 60), (48, 64)
NUM_TRACKS = 6


@pytest.fixture(scope='module')
def model(request):
    torch.manual_seed(0)
    init_default_scope('mmvis')
    root = request.config.rootpath / 'configs' / '_base_' / 'models'
    cfg = Config.fromfile(root / 'tevit_small.py').model
    cfg.test_cfg = dict(clip_len=None, score_thr=0.0)
    cfg.head.num_tracks = NUM_TRACKS
    cfg.head.roi_head.num_stages = 2
    cfg.head.roi_head.stage_loss_weights = [1, 1]
    model = MODELS.build(cfg)
    model.init_weights()
    with torch.no_grad():  # boxes that differ, some of them beyond the frame
        model.head.rpn_head.init_proposal_bboxes.weight.uniform_(0.1, 0.9)
    return model


def make_sample(num_frames, visible, video_len=None, first=0):
    """A clip with one row of ``visible`` (N, T) for each instance."""
    N = len(visible)
    frames = []
    for t in range(num_frames):
        masks = np.zeros((N, *SIZE), dtype=np.uint8)
        bboxes = torch.zeros(N, 4)
        for n in range(N):
            if visible[n][t]:
                x, y = 4 + 8 * n + t, 6 + 5 * n
                masks[n, y : y + 16, x : x + 20] = 1
                bboxes[n] = torch.tensor([x, y, x + 20, y + 16])
        frame = DetDataSample(
            metainfo=dict(
                img_shape=SIZE,
                ori_shape=(88, 120),
                batch_input_shape=PADDED,
                frame_id=first + t,
                video_id=7,
                video_len=video_len or num_frames,
            )
        )
        frame.gt_instances = InstanceData(
            labels=torch.arange(N) % 5,
            masks=BitmapMasks(masks, *SIZE),
            bboxes=bboxes,
            visible=torch.tensor([bool(v[t]) for v in visible]),
        )
        frames.append(frame)
    sample = TrackDataSample()
    sample.video_data_samples = frames
    return sample


def make_frames(num_clips, num_frames):
    torch.manual_seed(1)
    return torch.randn(num_clips, num_frames, 3, *PADDED)


@pytest.mark.parametrize(
    'visible',
    [
        [[[1, 1, 1], [1, 0, 1]], [[0, 1, 0]]],
        [[[1, 0, 1], [1, 0, 0]], []],
        [[], []],
        [[[1, 1, 1]] * 20, []],
    ],
    ids=['absent', 'empty frame and clip', 'no instance at all', 'more than queries'],
)
def test_trains_on_any_clip(model, visible):
    model.train()
    model.zero_grad()
    samples = [make_sample(3, v) for v in visible]
    losses = model(make_frames(2, 3), samples, mode='loss')
    total = sum(losses.values())
    # The original divides by a rounding error where nothing is there.
    assert 0 < total.item() < 500
    total.backward()
    heads = model.head.roi_head
    for name, param in [*heads.named_parameters()]:
        assert param.grad is not None, name
    assert all(torch.isfinite(p.grad).all() for p in heads.parameters())
    if not any(visible):
        for s in range(2):
            for term in ('loss_bbox', 'loss_iou', 'loss_mask'):
                assert losses[f's{s}.{term}'].item() == 0


def test_absent_frames_are_negatives_without_box(model):
    """What lies in a frame without the instance must not change its box loss."""
    model.eval()
    frames = make_frames(1, 3)
    sample = make_sample(3, [[1, 0, 1]])
    losses = model(frames, [sample], mode='loss')
    sample.video_data_samples[1].gt_instances.bboxes += 30
    moved = model(frames, [sample], mode='loss')
    for name, value in losses.items():
        assert moved[name].item() == value.item()


@torch.no_grad()
def test_raw_outputs(model):
    model.eval()
    frames, samples = make_frames(2, 3), [make_sample(3, [])] * 2
    outputs = model(frames, samples)
    assert outputs['cls_logits'].shape == (2, 15, 3, 5)
    assert outputs['bboxes'].shape == (2, 15, 3, 4)
    assert outputs['mask_logits'].shape == (2, 15, 3, 28, 28)
    predictions, _ = model.head.predict(model.extract_feat(frames, samples))
    for b, prediction in enumerate(predictions):
        scores = outputs['cls_logits'][b].sigmoid().mean(1)  # (Q, K)
        _, pairs = scores.flatten().topk(NUM_TRACKS)
        kept, labels = pairs // 5, pairs % 5
        picked = prediction.cls_probs[torch.arange(NUM_TRACKS), labels]
        torch.testing.assert_close(picked, scores[kept, labels])
        whwh = torch.tensor([60, 44, 60, 44])
        torch.testing.assert_close(prediction.bboxes * whwh, outputs['bboxes'][b, kept])
        # Raw masks are those of a query's best class.
        is_best = labels == scores[kept].argmax(1)
        assert is_best[0]
        torch.testing.assert_close(
            prediction.roi_logits[is_best], outputs['mask_logits'][b, kept[is_best]]
        )


@torch.no_grad()
def test_prediction_does_not_depend_on_the_batch_or_chunks_of_masks(model, monkeypatch):
    model.eval()
    frames, samples = make_frames(2, 3), [make_sample(3, [])] * 2
    both, _ = model.head.predict(model.extract_feat(frames, samples))
    monkeypatch.setattr(memory_limits, 'ROI_MASKS_AT_ONCE', 5)
    (alone,), _ = model.head.predict(model.extract_feat(frames[1:], samples[1:]))
    close = dict(atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(both[1].cls_probs, alone.cls_probs, **close)
    torch.testing.assert_close(both[1].bboxes, alone.bboxes, **close)
    torch.testing.assert_close(both[1].roi_logits, alone.roi_logits, **close)
    best = both[1].cls_probs[:, :-1].max(1).values
    assert best.tolist() == sorted(best.tolist(), reverse=True)
    torch.testing.assert_close(alone.cls_probs.sum(1), torch.ones(NUM_TRACKS))


def predict_video(model, frames, chunk_len):
    """Feed a video in chunks, return its record."""
    video_len = frames.shape[1]
    for first in range(0, video_len, chunk_len):
        chunk = frames[:, first : first + chunk_len]
        sample = make_sample(chunk.shape[1], [], video_len, first)
        (result,) = model.predict(chunk, [sample])
    return result.pred_track_instances


@torch.no_grad()
def test_offline_masks_are_pasted_at_the_size_of_the_video(model):
    model.eval()
    frames = make_frames(1, 5)
    tracks = predict_video(model, frames, chunk_len=2)
    sample = make_sample(5, [])
    (prediction,), _ = model.head.predict(model.extract_feat(frames, [sample]))
    scores, labels = prediction.cls_probs[:, :-1].max(1)
    assert tracks.labels.tolist() == labels.tolist()
    torch.testing.assert_close(tracks.scores, scores)
    assert tracks.instances_id.tolist() == list(range(NUM_TRACKS))
    probs = prediction.roi_logits.sigmoid()
    bboxes = prediction.bboxes * torch.tensor([120, 88, 120, 88])
    num_masks = 0
    for n, masks in enumerate(tracks.masks):
        expected = paste_masks(probs[n], bboxes[n], (88, 120)) >= 0.5
        for t, rle in enumerate(masks):
            if rle is None:
                assert not expected[t].any()
            else:
                mask = mask_utils.decode(rle).astype(bool)
                assert (mask != expected[t].numpy()).sum() <= 2
                num_masks += 1
    assert num_masks > 0


@torch.no_grad()
@pytest.mark.parametrize('seed', range(3))
def test_best_pairs_do_not_depend_on_rounding(model, monkeypatch, seed):
    """All pairs of query and class are equally good: the first ones are kept."""
    model.eval()
    classes = model.head.roi_head.bbox_head[-1].fc_cls
    torch.manual_seed(seed)
    for name, parameter in list(classes.named_parameters()):
        noise = torch.rand_like(parameter) - 0.5
        monkeypatch.setitem(classes._parameters, name, torch.nn.Parameter(1e-7 * noise))
    (prediction,), _ = model.head.predict(
        model.extract_feat(make_frames(1, 3), [make_sample(3, [])])
    )
    assert prediction.query_inds.tolist() == list(range(NUM_TRACKS))


@torch.no_grad()
def test_pairs_of_query_and_class_can_be_tracks(model, monkeypatch):
    model.eval()
    merger = dict(type='QueryIndexMerger')
    cfg = TestCfg(clip_len=2, clip_stride=1, score_thr=0.0, merger=merger)
    monkeypatch.setattr(model, 'test_cfg', cfg)
    frames, kept = make_frames(1, 4), set()
    for start in range(3):
        sample = make_sample(2, [])
        clip = model.extract_frame_feat(frames[:, start : start + 2], [sample])
        prediction, _ = model.predict_clip(clip)
        kept |= set(prediction.query_inds.tolist())
    tracks = predict_video(model, frames, chunk_len=3)
    assert set(tracks.instances_id.tolist()) == kept
    K = model.head.num_classes
    assert [i % K for i in tracks.instances_id.tolist()] == tracks.labels.tolist()


def test_levels_must_fit(model, request):
    root = request.config.rootpath / 'configs' / '_base_' / 'models'
    cfg = Config.fromfile(root / 'tevit_small.py').model
    cfg.head.in_channels = [16, 64]
    with pytest.raises(ValueError, match=r'\[16, 64\].*FPN'):
        MODELS.build(cfg.head)
    cfg = Config.fromfile(root / 'tevit_small.py').model
    cfg.backbone.strides = (1, 2, 2)
    with pytest.raises(ValueError, match=r'strides \[4, 8\].*\[4, 16\]'):
        MODELS.build(cfg)


@pytest.mark.skipif(has_compiled_ops(), reason='reads maps as they are')
@pytest.mark.parametrize('mode', ['tensor', 'loss'])
def test_maps_are_laid_out_once_for_all_stages(model, monkeypatch, mode):
    """And RoIAlign reads them where they lie, in all stages and mask heads."""
    is_laid_out = []
    forward = RoIAlign.forward

    def remember(layer, maps, rois):
        is_laid_out.append(maps.is_contiguous(memory_format=torch.channels_last))
        return forward(layer, maps, rois)

    monkeypatch.setattr(RoIAlign, 'forward', remember)
    model.eval()
    model(make_frames(1, 3), [make_sample(3, [[1, 1, 1]])], mode=mode)
    assert len(is_laid_out) >= 3  # two stages and the masks
    assert all(is_laid_out)
