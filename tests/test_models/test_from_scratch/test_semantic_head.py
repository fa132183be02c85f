import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.models.from_scratch import SemanticHead
from mmvis.structures import ClipFeatures

B, T, K = 2, 3, 4


def make_features():
    maps = (torch.randn(B, T, 6, 4, 6), torch.randn(B, T, 8, 2, 3))
    masks = tuple(m.new_zeros(B, T, *m.shape[-2:]).bool() for m in maps)
    return ClipFeatures(maps, (4, 8), masks)


def make_sample():
    """Instance of class 2: upper left cell of stride 8 whole, its neighbour half."""
    masks = np.zeros((1, T, 16, 24), np.uint8)
    masks[0, 1, :8, :12] = 1
    sample = TrackDataSample()
    frames = []
    for t in range(T):
        frame = DetDataSample(metainfo=dict(batch_input_shape=(16, 24)))
        frame.gt_instances = InstanceData(
            labels=torch.tensor([2]),
            masks=BitmapMasks(masks[:, t], 16, 24),
            bboxes=torch.zeros(1, 4),
            visible=torch.tensor([t == 1]),
        )
        frames.append(frame)
    sample.video_data_samples = frames
    return sample


def test_shares_of_the_cells():
    head = SemanticHead(K, [6, 8])
    shares = head.class_shares(make_sample(), torch.zeros(T, K + 1, 2, 3))
    assert shares.shape == (T, K + 1, 2, 3)
    torch.testing.assert_close(shares.sum(1), torch.ones(T, 2, 3))
    assert shares[1, 2].tolist() == [[1, 0.5, 0], [0, 0, 0]]
    assert shares[0, K].min() == 1


def test_loss_is_the_weighted_cross_entropy():
    torch.manual_seed(0)
    head = SemanticHead(K, [6, 8], loss_weight=3.0)
    features, sample = make_features(), make_sample()
    loss = head.loss(features, [sample, sample])['loss_semantic']
    log_probs = head(features)['sem_logits'].log_softmax(1)
    shares = head.class_shares(sample, log_probs).repeat(B, 1, 1, 1)
    weights = torch.tensor([1.0] * K + [0.2]).view(-1, 1, 1)
    expected = -3 * (weights * shares * log_probs).sum(1).mean()
    torch.testing.assert_close(loss, expected)


def test_no_instances():
    sample = make_sample()
    for frame in sample.video_data_samples:
        frame.gt_instances = frame.gt_instances[:0]
    loss = SemanticHead(K, [6, 8]).loss(make_features(), [sample, sample])
    assert loss['loss_semantic'].item() == pytest.approx(0.2 * np.log(K + 1), abs=0.3)
