"""Assignments, losses and gradients equal those of the original TeViT."""

import copy

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.converters.tevit import old_names_of
from mmvis.models.roi_heads.roi_targets import mask_targets, match_clips
from mmvis.models.task_modules import clip_targets

# golden/tevit/meta.json, "tolerances"
LOSSES = dict(rtol=1e-4)
BOXES = dict(atol=0.05, rtol=0)
MASKS = dict(atol=2e-3, rtol=0)
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
def test_assignments_and_mask_targets(case, model):
    golden = case.golden
    frames, samples = case.frames(), case.data_samples()
    features = model.extract_feat(frames, samples)
    gts = [clip_targets(sample, tuple(case.pad), frames) for sample in samples]
    for gt, clip in zip(gts, case.clips):
        gt.set_metainfo(dict(img_shape=clip['hw']))
    for s, stage in enumerate(model.head.forward_stages(features)):
        expected = golden[f'stage{s}/boxes']
        torch.testing.assert_close(stage.bboxes.flatten(0, 1), expected, **BOXES)
        positives = match_clips(model.head.assigner, stage, gts)
        assigned = torch.zeros(stage.bboxes.shape[:3], dtype=torch.long)
        for b, t, q, n in zip(
            positives.clips, positives.frames, positives.queries, positives.gts
        ):
            assigned[b, t, q] = case.frame_ids(b, t).index(case.ids[b][n]) + 1
        for b in range(len(gts)):
            expected = golden[f'stage{s}/clip{b}/gt_inds']
            assert torch.equal(assigned[b], expected)
        targets = mask_targets(positives, positives.pick(stage.bboxes), gts, (28, 28))
        expected = unpack(golden, f'stage{s}/mask_targets_packed', targets.shape)
        assert (targets.numpy() != expected).sum() <= 2


def test_losses_and_gradients(case, model):
    golden = case.golden
    losses = model(case.frames(), case.data_samples(), mode='loss')
    assert set(losses) == {f's{s}.{term}' for s in range(6) for term in TERMS}
    for name, value in losses.items():
        expected = golden.arrays[f'loss/stage{name[1:].replace(".", "_")}']
        np.testing.assert_allclose(value.item(), expected, **LOSSES)
    total = sum(losses.values())
    np.testing.assert_allclose(total.item(), golden.arrays['loss_total'], **LOSSES)
    total.backward()
    params = dict(model.named_parameters())
    norms = torch.stack([p.grad.norm() for p in params.values()])
    expected = golden.arrays['grad_total_norm']
    np.testing.assert_allclose(norms.norm().item(), expected, rtol=5e-3)
    num_compared = 0
    for new, old in old_names_of(golden.source_weights()).items():
        if f'grad/{old}/norm' in golden.arrays.files:
            expected = golden.arrays[f'grad/{old}/norm']
            norm = params[new].grad.norm().item()
            np.testing.assert_allclose(norm, expected, rtol=5e-3, atol=1e-6)
            expected = golden.arrays[f'grad/{old}/head']
            head = params[new].grad.flatten()[:16].numpy()
            atol = 0.05 * abs(expected).max() + 1e-9
            np.testing.assert_allclose(head, expected, rtol=0, atol=atol)
            num_compared += 1
    assert num_compared > 20


@torch.no_grad()
def test_batch_norm_of_the_mask_heads_learns_from_the_positives(case, model):
    golden, model = case.golden, copy.deepcopy(model)
    for mask_head in model.head.roi_head.mask_head:
        mask_head.train()
    losses = model(case.frames(), case.data_samples(), mode='loss')
    for s in range(6):
        expected = golden.arrays[f'trainbn/loss/stage{s}_loss_mask']
        np.testing.assert_allclose(losses[f's{s}.loss_mask'].item(), expected, **LOSSES)
    norm = model.head.roi_head.mask_head[5].convs[3].bn
    for name in ('running_mean', 'running_var'):
        expected = golden[f'trainbn/{name}']
        torch.testing.assert_close(getattr(norm, name), expected, atol=1e-4, rtol=1e-4)
