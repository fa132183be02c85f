"""Conversion of a packed clip's ground truth to tracks."""

import numpy as np
import pycocotools.mask as mask_api
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData

__all__ = ['gt_tracks']


def gt_tracks(data_sample: TrackDataSample) -> InstanceData:
    """Join the ground truth of a clip's frames to tracks.

    Args:
        data_sample (TrackDataSample): A clip of T frames as the training pipeline
            packs it; each frame has N instances in the same order.

    Returns:
        InstanceData: ``labels`` and ``instances_id`` (N,) and ``masks``, N lists of T
        compressed RLEs, None where the instance is not visible. The frames are
        numbered within the clip.
    """
    frames = [sample.gt_instances for sample in data_sample.video_data_samples]
    masks = [
        [_encode(frame.masks.masks[n]) for frame in frames]
        for n in range(len(frames[0]))
    ]
    return InstanceData(
        labels=frames[0].labels, instances_id=frames[0].instances_id, masks=masks
    )


def _encode(mask: np.ndarray) -> dict | None:
    if not mask.any():
        return None
    return mask_api.encode(np.asfortranarray(mask, dtype=np.uint8))
