import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.models.task_modules import clip_targets


def make_sample(masks, labels):
    """A clip of which instance n has masks[n, t] in frame t."""
    sample = TrackDataSample()
    frames = []
    for t in range(masks.shape[1]):
        frame = DetDataSample()
        frame.gt_instances = InstanceData(
            labels=torch.tensor(labels),
            masks=BitmapMasks(masks[:, t], *masks.shape[2:]),
            bboxes=torch.full((len(labels), 4), float(t)),
            visible=torch.from_numpy(masks[:, t].any((1, 2))),
        )
        frames.append(frame)
    sample.video_data_samples = frames
    return sample


def test_stacks_frames_and_pads():
    masks = np.zeros((2, 3, 4, 5), np.uint8)
    masks[0, :, 1, 2] = 1
    masks[1, 1] = 1
    gt = clip_targets(make_sample(masks, [7, 0]), (6, 8), torch.zeros(1))
    assert gt.labels.tolist() == [7, 0]
    assert gt.masks.shape == (2, 3, 6, 8)
    assert gt.masks.dtype == torch.float32
    assert gt.masks.sum((2, 3)).tolist() == [[1, 1, 1], [0, 20, 0]]
    assert gt.masks[0, 0, 1, 2] == 1
    assert gt.visible.tolist() == [[True] * 3, [False, True, False]]
    assert gt.bboxes[1, :, 0].tolist() == [0, 1, 2]


def test_no_instances():
    masks = np.zeros((0, 3, 4, 5), np.uint8)
    gt = clip_targets(make_sample(masks, []), (4, 6), torch.zeros(1))
    assert len(gt) == 0
    assert gt.masks.shape == (0, 3, 4, 6)
