"""Loading of a clip's images and annotations."""

import io
from collections.abc import Sequence

import cv2
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

__all__ = ['LoadClipAnnotations', 'LoadFrameFromFile', 'check_is_whole']

_END_MARKERS = (b'\xff\xd9', b'IEND\xaeB`\x82')  # JPEG, PNG
_JPEG_MARKER = b'\xff\xd8\xff'
_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
_MARGIN = 1.5
_ORIENTATION, _FIRST_TURNED = 0x0112, 5  # the tag in EXIF; from 5 on by a quarter


@TRANSFORMS.register_module()
class LoadFrameFromFile(BaseTransform):
    """Load the image of one frame and check it against the record.

    MMDetection's ``LoadImageFromFile`` passes an incomplete JPEG on, the missing
    part grey, and leaves an image of another size to fail somewhere later. To be
    used within ``TransformBroadcaster``.

    With ``decode_scale`` a JPEG that is much larger than needed is decoded at 1/2, 1/4
    or 1/8 of its size, which saves a part of the decoding and of what follows. Resize
    brings it to the size that the whole frame would get. Before Resize, only
    transforms of colours may come, and ``MakePseudoClip``.

    Required keys: img_path, height, width. Added keys: img (uint8, (H, W, 3),
    BGR), img_shape and ori_shape ((h, w) of the whole frame); with ``decode_scale``
    also decoded_shape: (h, w) of img where it is smaller, otherwise None.

    Args:
        imdecode_backend (str): Decoder of :func:`mmcv.imfrombytes`. Defaults to
            'cv2'.
        backend_args (dict | None): Arguments of mmengine's file backend. Defaults
            to None.
        decode_scale (tuple[int, int] | None): The largest ``scale`` that Resize gets,
            (long, short) edge in pixels. Frames are decoded at 1.5 times this scale or
            more. Defaults to None: always at their full size.

    Raises:
        FileNotFoundError: If the image is missing.
        ValueError: If it is corrupted or not of the record's size, or if
            ``decode_scale`` is not two positive numbers, or set for another decoder
            than OpenCV.
    """

    def __init__(
        self,
        imdecode_backend: str = 'cv2',
        backend_args: dict | None = None,
        decode_scale: tuple[int, int] | None = None,
    ) -> None:
        if decode_scale is not None:
            _check_decode_scale(decode_scale, imdecode_backend)
            long_edge, short_edge = decode_scale
            decode_scale = (long_edge, short_edge)
        self.imdecode_backend = imdecode_backend
        self.backend_args = backend_args
        self.decode_scale = decode_scale

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
        expected = (results['height'], results['width'])
        reduction = self._reduction(data, expected)
        img = self._decode(data, path, reduction)
        size = img.shape[:2] if reduction == 1 else _full_size(data)
        if size != expected:
            raise UserValueError(
                f'{path}: the image is (height, width) = {size}, but video '
                f'{results["video_id"]} is recorded as {expected}. Fix `height` and '
                '`width` in the annotation file, or the image.'
            )
        results['img'] = img
        results['img_shape'] = expected
        results['ori_shape'] = expected
        if self.decode_scale is not None:
            results['decoded_shape'] = None if reduction == 1 else img.shape[:2]
        return results

    def _reduction(self, data: bytes, size: tuple[int, int]) -> int:
        """Denominator of the size at which a frame of (h, w) is decoded."""
        if self.decode_scale is None or not data.startswith(_JPEG_MARKER):
            return 1
        height, width = size
        target = mmcv.rescale_size((width, height), self.decode_scale)
        ratio = min(width / max(target[0], 1), height / max(target[1], 1))
        # A side that is no multiple would end in a pixel that is partly beyond it.
        return next(
            (
                r
                for r in _REDUCED
                if ratio >= r * _MARGIN and height % r == width % r == 0
            ),
            1,
        )

    def _decode(self, data: bytes, path: str, reduction: int) -> np.ndarray:
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
        if reduction == 1:
            img = mmcv.imfrombytes(data, flag='color', backend=self.imdecode_backend)
        else:
            img = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[reduction])
        if img is None:
            raise UserValueError(
                f'{path}: the image cannot be decoded. Restore the file.'
            )
        return img

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(imdecode_backend={self.imdecode_backend!r}, '
            f'backend_args={self.backend_args}, decode_scale={self.decode_scale})'
        )


def check_is_whole(results: dict, transform: BaseTransform) -> None:
    """Refuse frames at a reduced size, which masks and boxes do not have.

    Args:
        results (dict): A clip.
        transform (BaseTransform): The transform that needs whole frames.

    Raises:
        ValueError: If the clip's frames were decoded at a reduced size, and no Resize
            came since.
    """
    if any(results.get('decoded_shape', ())):
        raise UserValueError(
            f'{type(transform).__name__} got frames that were decoded at a reduced '
            'size. Put Resize of mmvis before it, or remove `decode_scale` of '
            'LoadFrameFromFile.'
        )


def _check_decode_scale(decode_scale: Sequence[int], imdecode_backend: str) -> None:
    is_pair = isinstance(decode_scale, (list, tuple)) and len(decode_scale) == 2
    if not is_pair or min(decode_scale) <= 0:
        raise UserValueError(
            '`decode_scale` of LoadFrameFromFile must be (long, short) edge in pixels, '
            f'as `scale` of Resize, got {decode_scale}.'
        )
    if imdecode_backend != 'cv2':
        raise UserValueError(
            "`decode_scale` of LoadFrameFromFile needs imdecode_backend='cv2', got "
            f'{imdecode_backend!r}.'
        )


def _full_size(data: bytes) -> tuple[int, int]:
    """Height and width of a JPEG, whatever size it was decoded at.

    The sides in its header are in the order in which the picture was taken; OpenCV
    turns it upright.
    """
    header = Image.open(io.BytesIO(data))
    width, height = header.size
    is_turned = header.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED
    return (width, height) if is_turned else (height, width)


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
                mask = decode_mask(instance['mask'], height, width)
            except ValueError as error:
                raise UserValueError(
                    f'segmentations[{frame_id}] of annotation '
                    f'{instance["instance_id"]} (video {video_id}) {error}.'
                ) from error
            cv2.transpose(mask.T, dst=masks[n])  # from columns, faster than NumPy
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
