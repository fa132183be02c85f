"""Ground truth of a clip as tensors."""

from __future__ import annotations

import numpy as np
import torch
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

__all__ = ['clip_targets']


def clip_targets(
    data_sample: TrackDataSample, size: tuple[int, int], like: Tensor
) -> InstanceData:
    """Stack the frames' ground truth of one clip.

    Args:
        data_sample (TrackDataSample): Every frame's ``gt_instances`` holds the
            same N instances in the same order.
        size (tuple[int, int]): (h, w) of the padded input; masks are filled up
            with zeros at the bottom and right.
        like (Tensor): Gives device and dtype of the masks.

    Returns:
        InstanceData: N instances with

        - ``labels``: (N,).
        - ``masks``: (N, T, H, W), 0 or 1.
        - ``bboxes``: (N, T, 4), xyxy in pixels of the input.
        - ``visible``: (N, T) bool.
    """
    frames = [frame.gt_instances for frame in data_sample.video_data_samples]
    arrays = np.stack([frame.masks.masks for frame in frames], axis=1)
    masks = torch.as_tensor(arrays, device=like.device)
    h, w = masks.shape[-2:]
    masks = F.pad(masks, (0, size[1] - w, 0, size[0] - h)).to(like.dtype)
    return InstanceData(
        labels=frames[0].labels.to(like.device),
        masks=masks,
        bboxes=torch.stack([frame.bboxes for frame in frames], 1).to(like.device),
        visible=torch.stack([frame.visible for frame in frames], 1).to(like.device),
    )
