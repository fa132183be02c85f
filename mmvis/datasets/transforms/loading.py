"""Loading of a clip's images and annotations."""

import io
from collections.abc import Sequence

import mmcv
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine import fileio
from PIL import Image

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file, describe_content
from mmvis.registry import TRANSFORMS
from mmvis.structures.rle import decode_mask, mask_bbox

__all__ = ['LoadClipAnnotations', 'LoadFrameFromFile']

_END_MARKERS = (b'\xff\xd9', b'IEND\xaeB`\x82')  # JPEG, PNG


@TRANSFORMS.register_module()
class LoadFrameFromFile(BaseTransform):
    """Load the image of one frame and check it against the record.

    MMDetection's ``LoadImageFromFile`` passes an incomplete JPEG on, the missing
    part grey, and leaves an image of another size to fail somewhere later. To be
    used within ``TransformBroadcaster``.

    Required keys: img_path, height, width. Added keys: img (uint8, (H, W, 3),
    BGR), img_shape and ori_shape ((h, w)).

    Args:
        imdecode_backend (str): Decoder of :func:`mmcv.imfrombytes`. Defaults to
            'cv2'.
        backend_args (dict | None): Arguments of mmengine's file backend. Defaults
            to None.

    Raises:
        FileNotFoundError: If the image is missing.
        ValueError: If it is corrupted or not of the record's size.
    """

    def __init__(
        self, imdecode_backend: str = 'cv2', backend_args: dict | None = None
    ) -> None:
        self.imdecode_backend = imdecode_backend
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load the image."""
        path = results['img_path']
        check_is_file(path)
        try:
            data = fileio.get(path, backend_args=self.backend_args)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'{path}: the image of frame {results["frame_id"]} of video '
                f'{results["video_id"]} does not exist. Check `data_root` and '
                "`data_prefix['img']` of the dataset against `file_names` of the json."
            ) from error
        img = self._decode(data, path)
        expected = (results['height'], results['width'])
        if img.shape[:2] != expected:
            raise UserValueError(
                f'{path}: the image is (height, width) = {img.shape[:2]}, but video '
                f'{results["video_id"]} is recorded as {expected}. Fix `height` and '
                '`width` in the annotation file, or the image.'
            )
        results['img'] = img
        results['img_shape'] = expected
        results['ori_shape'] = expected
        return results

    def _decode(self, data: bytes, path: str) -> np.ndarray:
        if not data.rstrip(b'\x00').endswith(_END_MARKERS):
            # Truncated, or followed by other data: Pillow finds out.
            try:
                Image.open(io.BytesIO(data)).load()
            except OSError as error:
                # Pillow's message may show the address of an object.
                reason = str(error).partition(' <')[0]
                raise UserValueError(
                    f'{path}: the image is corrupted or incomplete ({reason}).'
                    f'{describe_content(data)} Restore the file.'
                ) from error
        img = mmcv.imfrombytes(data, flag='color', backend=self.imdecode_backend)
        if img is None:
            raise UserValueError(
                f'{path}: the image cannot be decoded. Restore the file.'
            )
        return img

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(imdecode_backend={self.imdecode_backend!r}, '
            f'backend_args={self.backend_args})'
        )


@TRANSFORMS.register_module()
class LoadClipAnnotations(BaseTransform):
    """Decode the instances of a clip's frames.

    Every frame has all instances in the same order: where one is absent its mask is
    empty and its box zero.

    Required keys, one entry per frame: instances, height, width. Added keys:

    - gt_bboxes (list[HorizontalBoxes]): (N, 4) each, pixels; from the mask where
      the annotation has none.
    - gt_bboxes_labels (list[np.ndarray]): int64, (N,).
    - gt_masks (list[BitmapMasks]): N masks each.
    - gt_instances_ids (list[np.ndarray]): int64, (N,).
    - gt_ignore_flags (list[np.ndarray]): bool, (N,).

    Raises:
        ValueError: If a mask is not of the record's size.
    """

    def transform(self, results: dict) -> dict:
        """Decode all frames of the clip."""
        frames = [
            self._load_frame(instances, height, width, video_id, frame_id)
            for instances, height, width, video_id, frame_id in zip(
                results.pop('instances'),
                results['height'],
                results['width'],
                results['video_id'],
                results['frame_id'],
                strict=True,
            )
        ]
        for key in frames[0]:
            results[key] = [frame[key] for frame in frames]
        return results

    def _load_frame(
        self,
        instances: Sequence[dict],
        height: int,
        width: int,
        video_id: int,
        frame_id: int,
    ) -> dict:
        N = len(instances)
        masks = np.zeros((N, height, width), dtype=np.uint8)
        bboxes = np.zeros((N, 4), dtype=np.float32)
        for n, instance in enumerate(instances):
            if instance['mask'] is None:
                continue
            try:
                masks[n] = decode_mask(instance['mask'], height, width)
            except ValueError as error:
                raise UserValueError(
                    f'segmentations[{frame_id}] of annotation '
                    f'{instance["instance_id"]} (video {video_id}) {error}.'
                ) from error
            bboxes[n] = instance['bbox'] or mask_bbox(masks[n])
        return dict(
            gt_bboxes=HorizontalBoxes(torch.from_numpy(bboxes)),
            gt_bboxes_labels=_column(instances, 'bbox_label', np.int64),
            gt_masks=BitmapMasks(masks, height, width),
            gt_instances_ids=_column(instances, 'instance_id', np.int64),
            gt_ignore_flags=_column(instances, 'ignore_flag', bool),
        )


def _column(instances: Sequence[dict], key: str, dtype: type) -> np.ndarray:
    return np.array([instance[key] for instance in instances], dtype=dtype)
