"""Assignments, losses and gradients equal those of the original TeViT."""

import copy

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.converters.tevit import old_names_of
from mmvis.models.losses.clip_roi_criterion import mask_targets, match_clips
from mmvis.models.task_modules import clip_targets

CLOSE = dict(atol=1e-4, rtol=0)
# Of golden/tevit/meta.json. Where a ReLU's input is within a rounding of 0, its
# gradient is there in one order of summation and not in the other.
GRAD_NORM = dict(rtol=5e-3, atol=1e-6)
TERMS = ('loss_cls', 'loss_bbox', 'loss_iou', 'loss_mask')


def unpack(golden, key, shape=None):
    """Bits of an array of booleans, with the shape that lies beside them."""
    if shape is None:
        shape = golden.arrays[key.replace('_packed', '_shape')]
    bits = np.unpackbits(golden.arrays[key])[: np.prod(shape)]
    return bits.reshape(shape)


class LossCase:
    """Clips and targets of the loss file; identities are in ascending order."""

    def __init__(self, golden):
        self.golden = golden
        variant = golden.recipe['variant']
        self.T, self.pad, self.clips = variant['T'], variant['pad'], variant['clips']
        self.ids = [sorted(clip['ids']) for clip in self.clips]

    def frames(self):
        return torch.stack(
            [
                self.golden.clip(self.T, clip['hw'], self.pad, seed=100 * b)
                for b, clip in enumerate(self.clips)
            ]
        )

    def data_samples(self):
        samples = []
        for b in range(len(self.clips)):
            sample = TrackDataSample()
            sample.video_data_samples = [self.frame(b, t) for t in range(self.T)]
            samples.append(sample)
        return samples

    def frame(self, b, t):
        prefix = f'target/clip{b}_frame{t}'
        (h, w), N = self.clips[b]['hw'], len(self.ids[b])
        slots = [self.ids[b].index(i) for i in self.frame_ids(b, t)]
        labels = dict(zip(self.clips[b]['ids'], self.clips[b]['labels']))
        masks, bboxes = np.zeros((N, h, w), dtype=np.uint8), torch.zeros(N, 4)
        masks[slots] = unpack(self.golden, f'{prefix}/masks_packed')[:, :h, :w]
        bboxes[slots] = self.golden[f'{prefix}/bboxes']
        frame = DetDataSample(
            metainfo=dict(img_shape=(h, w), batch_input_shape=tuple(self.pad))
        )
        frame.gt_instances = InstanceData(
            labels=torch.tensor([labels[i] for i in self.ids[b]]),
            masks=BitmapMasks(masks, h, w),
            bboxes=bboxes,
            visible=torch.from_numpy(masks.any((1, 2))),
        )
        return frame

    def frame_ids(self, b, t):
        return self.golden[f'target/clip{b}_frame{t}/ids'].tolist()


@pytest.fixture(scope='module')
def case(tevit_golden):
    return LossCase(tevit_golden('loss_msgshift_b2t3'))


@pytest.fixture(scope='module')
def model(case):
    return case.golden.build_model()


@torch.no_grad()
def test_assignments_and_mask_targets(case, model, monkeypatch):
    golden, assigner = case.golden, model.head.criterion.assigner
    frames, samples = case.frames(), case.data_samples()
    features = model.extract_feat(frames, samples)
    gts = [clip_targets(sample, tuple(case.pad), frames) for sample in samples]
    for gt, clip in zip(gts, case.clips):
        gt.set_metainfo(dict(img_shape=clip['hw']))
    costs, cost_matrix = [], assigner.cost_matrix

    def record_cost(pred, gt):
        costs.append(cost_matrix(pred, gt))
        return costs[-1]

    monkeypatch.setattr(assigner, 'cost_matrix', record_cost)
    for s, stage in enumerate(model.head.forward_stages(features)):
        picked = stage.cls_logits.flatten(0, 1)[..., ::4]
        torch.testing.assert_close(picked, golden[f'stage{s}/cls_score'], **CLOSE)
        for b, clip in enumerate(case.clips):
            expected = golden[f'stage{s}/boxes'].view_as(stage.bboxes)[b]
            golden.assert_same_boxes(stage.bboxes[b], expected, clip['hw'])
        costs.clear()
        positives = match_clips(assigner, stage, gts)
        check_assignment(case, f'stage{s}', positives, gts, costs)
        targets = mask_targets(positives, positives.pick(stage.bboxes), gts, (28, 28))
        # Cells that the ground truth covers by half but for the rounding.
        expected = unpack(golden, f'stage{s}/mask_targets_packed', targets.shape)
        assert (targets.numpy() != expected).sum() <= 2
        difference = targets.sum((1, 2)) - golden[f'stage{s}/mask_targets_sum']
        assert difference.abs().sum() <= 2


def check_assignment(case, prefix, positives, gts, costs):
    """Costs of each clip; instance and class of each query in each frame."""
    Q = case.golden[f'{prefix}/boxes'].shape[1]
    gt_inds = torch.zeros(len(gts), case.T, Q, dtype=torch.int16)  # 1-based
    labels = gt_inds - 1  # no class
    for b, t, q, n in zip(
        positives.clips, positives.frames, positives.queries, positives.gts
    ):
        gt_inds[b, t, q] = case.frame_ids(b, t).index(case.ids[b][n]) + 1
        labels[b, t, q] = gts[b].labels[n]
    assert len(costs) == len(gts)
    for b, cost in enumerate(costs):
        actual = dict(cost=cost, gt_inds=gt_inds[b], labels=labels[b])
        expected = {key: case.golden[f'{prefix}/clip{b}/{key}'] for key in actual}
        torch.testing.assert_close(actual, expected, **CLOSE)


def test_losses_and_gradients(case, model):
    golden = case.golden
    mask_logits = []
    hooks = [
        mask_head.register_forward_hook(lambda *call: mask_logits.append(call[-1]))
        for mask_head in model.head.roi_head.mask_head
    ]
    losses = model(case.frames(), case.data_samples(), mode='loss')
    for hook in hooks:
        hook.remove()
    for s, logits in enumerate(mask_logits):
        expected = golden[f'stage{s}/mask_pred_strided']
        torch.testing.assert_close(logits[:, ::5, ::4, ::4], expected, **CLOSE)

    assert set(losses) == {f's{s}.{term}' for s in range(6) for term in TERMS}
    for name, value in losses.items():
        expected = golden[f'loss/stage{name[1:].replace(".", "_")}']
        torch.testing.assert_close(value, expected, **CLOSE)
    total = sum(losses.values())
    torch.testing.assert_close(total, golden['loss_total'], **CLOSE)
    total.backward()
    check_gradients(golden, dict(model.named_parameters()))


def check_gradients(golden, params):
    norms = {name: p.grad.norm().item() for name, p in params.items()}
    expected = golden.arrays['grad_total_norm']
    np.testing.assert_allclose(np.linalg.norm([*norms.values()]), expected, **GRAD_NORM)
    old_names = {
        new: old
        for new, old in old_names_of(golden.source_weights()).items()
        if new in params
    }
    assert set(old_names) == set(params)
    assert golden.recipe['no_grad_params'] == []
    without = {old for new, old in old_names.items() if norms[new] == 0}
    assert without == set(golden.recipe['zero_grad_params'])
    num_compared = 0
    for new, old in old_names.items():
        if f'grad/{old}/norm' in golden.arrays.files:
            expected = golden.arrays[f'grad/{old}/norm']
            np.testing.assert_allclose(norms[new], expected, **GRAD_NORM)
            expected = golden.arrays[f'grad/{old}/head']
            head = params[new].grad.flatten()[:16].numpy()
            atol = 0.05 * abs(expected).max() + 1e-9
            np.testing.assert_allclose(head, expected, rtol=0, atol=atol)
            num_compared += 1
    assert num_compared == 37  # all that the golden file has


@torch.no_grad()
def test_batch_norm_of_the_mask_heads_learns_from_the_positives(case, model):
    golden, model = case.golden, copy.deepcopy(model)
    for mask_head in model.head.roi_head.mask_head:
        mask_head.train()
    losses = model(case.frames(), case.data_samples(), mode='loss')
    for s in range(6):
        expected = golden[f'trainbn/loss/stage{s}_loss_mask']
        torch.testing.assert_close(losses[f's{s}.loss_mask'], expected, **CLOSE)
    norm = model.head.roi_head.mask_head[5].convs[3].bn
    for name in ('running_mean', 'running_var'):
        expected = golden[f'trainbn/{name}']
        torch.testing.assert_close(getattr(norm, name), expected, **CLOSE)
