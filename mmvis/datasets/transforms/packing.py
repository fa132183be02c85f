"""Packing of a clip into model inputs, the last step of every pipeline."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.datasets.transforms.loading import check_is_whole
from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS
from mmvis.structures.rle import mask_bbox

__all__ = ['PackClipInputs']


@TRANSFORMS.register_module()
class PackClipInputs(BaseTransform):
    """Pack a clip into frames and a ``TrackDataSample``.

    Visibility is read from the masks as they are after augmentation. Instances
    that are visible in no frame of the clip are dropped; all frames have the others
    in the same order. The result is a dict of

    - inputs (Tensor): uint8, (T, 3, H, W), channels as loaded (BGR).
    - data_samples (TrackDataSample): ``video_data_samples`` holds T
      ``DetDataSample``, each with the meta keys and, if the clip is annotated,
      ``gt_instances`` with bboxes (Tensor, (N, 4), pixels x1, y1, x2, y2), labels
      (Tensor, long, (N,)), masks (BitmapMasks, N), instances_id (Tensor, long,
      (N,)) and visible (Tensor, bool, (N,)); crowds, where the dataset keeps
      them, are in ``ignored_instances``, which has the same fields.

    Args:
        meta_keys (tuple[str, ...]): Keys that go into each frame's metainfo where
            the pipeline has set them.
    """

    def __init__(
        self,
        meta_keys: tuple[str, ...] = (
            'img_path',
            'frame_id',
            'video_id',
            'video_len',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
        ),
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack the clip.

        Raises:
            ValueError: If frames and masks of a clip differ in size, or frames were
                decoded at a reduced size and not resized.
        """
        check_is_whole(results, self)
        inputs = _pack_images(results['img'])
        T = len(inputs)
        samples = [DetDataSample() for _ in range(T)]
        sample = TrackDataSample()
        # Set while they are empty: the setter prints them for a message, always.
        sample.video_data_samples = samples
        meta_keys = [key for key in self.meta_keys if key in results]
        for t, frame_sample in enumerate(samples):
            frame_sample.set_metainfo({key: results[key][t] for key in meta_keys})
        if 'gt_masks' in results:
            _check_sizes(results['gt_masks'], inputs.shape[-2:])
            _add_instances(results, samples)
        return dict(inputs=inputs, data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'


def _pack_images(images: list[np.ndarray]) -> Tensor:
    """Stack frames (H, W, 3) to a tensor (T, 3, H, W) of uint8."""
    sizes = {img.shape for img in images}
    if len(sizes) > 1:
        raise UserValueError(
            f'The frames of a clip have different shapes {sorted(sizes)}. Put resizing '
            'and cropping into a TransformBroadcaster with share_random_params=True.'
        )
    height, width, channels = images[0].shape
    clip = np.empty((len(images), channels, height, width), dtype=np.uint8)
    for planes, img in zip(clip, images, strict=True):
        if img.dtype != np.uint8:  # photometric distortion leaves floats
            img = np.clip(np.rint(img), 0, 255).astype(np.uint8)
        cv2.split(img, list(planes))  # nine times as fast as NumPy
    return torch.from_numpy(clip)


def _check_sizes(masks: list[BitmapMasks], size: Sequence[int]) -> None:
    for frame_masks in masks:
        if (frame_masks.height, frame_masks.width) != tuple(size):
            raise UserValueError(
                f'Masks are {(frame_masks.height, frame_masks.width)}, images '
                f'{tuple(size)}: a transform changed only one. Those of MMDetection '
                'and mmvis change both; those of mmcv do not know masks, and are '
                "found instead where default_scope = 'mmvis' is not set."
            )


def _add_instances(results: dict, samples: list[DetDataSample]) -> None:
    visible = np.stack(
        [masks.masks.any(axis=(1, 2)) for masks in results['gt_masks']]
    )  # (T, N)
    is_used = visible.any(axis=0)
    is_ignored = results['gt_ignore_flags'][0]
    kept = np.flatnonzero(is_used & ~is_ignored)
    ignored = np.flatnonzero(is_used & is_ignored)
    for t, sample in enumerate(samples):
        frame = {key: results[key][t] for key in results if key.startswith('gt_')}
        sample.gt_instances = _instances(frame, visible[t], kept)
        if is_ignored.any():
            sample.ignored_instances = _instances(frame, visible[t], ignored)


def _instances(frame: dict, visible: np.ndarray, inds: np.ndarray) -> InstanceData:
    """Collect the chosen instances of one frame."""
    masks = frame['gt_masks'][inds]
    bboxes = frame['gt_bboxes'].tensor[torch.from_numpy(inds)]
    bboxes = bboxes * torch.from_numpy(visible[inds, None])
    is_degenerate = (bboxes[:, 2:] <= bboxes[:, :2]).any(dim=1).numpy()
    for n in np.flatnonzero(is_degenerate & visible[inds]):
        bboxes[n] = bboxes.new_tensor(mask_bbox(masks.masks[n]))
    return InstanceData(
        bboxes=bboxes,
        labels=torch.from_numpy(frame['gt_bboxes_labels'][inds]),
        masks=masks,
        instances_id=torch.from_numpy(frame['gt_instances_ids'][inds]),
        visible=torch.from_numpy(visible[inds]),
    )
