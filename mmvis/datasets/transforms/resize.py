"""Resizing of frames."""

from typing import Any

import mmcv
import numpy as np
import torch
from mmdet.datasets.transforms import Resize as MMDetResize
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS

__all__ = ['Resize', 'resize_antialiased']

_BACKENDS = ('cv2', 'pillow', 'torch')


@TRANSFORMS.register_module()
class Resize(MMDetResize):
    """MMDetection's ``Resize``, faster, and for frames decoded at a reduced size.

    Frames that :class:`LoadFrameFromFile` decoded at a reduced size are resized to the
    size that the whole frame would get. Boxes, masks, ``img_shape`` and
    ``scale_factor`` do not depend on how a frame was decoded.

    Differs from MMDetection: halving or thirding a side with ``backend='pillow'`` is
    computed by PyTorch, with equal numbers.

    Args:
        *args: Of MMDetection's ``Resize``.
        backend (str): 'cv2' does not smooth frames that become smaller. 'pillow' does,
            as the published systems. 'torch' differs from it by at most 1 of 255, and
            is four times as fast on processors with AVX2. Defaults to 'cv2'.
        interpolation (str): Of MMDetection's ``Resize``; 'bilinear' with 'torch'.
            Defaults to 'bilinear'.
        **kwargs: Of MMDetection's ``Resize``.

    Raises:
        ValueError: If the backend is unknown, or has not this interpolation.
    """

    def __init__(
        self,
        *args: Any,
        backend: str = 'cv2',
        interpolation: str = 'bilinear',
        **kwargs: Any,
    ) -> None:
        if backend not in _BACKENDS:
            raise UserValueError(
                f'`backend` of Resize must be one of {_BACKENDS}, got {backend!r}.'
            )
        if backend == 'torch' and interpolation != 'bilinear':
            raise UserValueError(
                f"Resize with backend='torch' has no `interpolation` "
                f"{interpolation!r}, only 'bilinear'. Take another backend."
            )
        super().__init__(*args, backend=backend, interpolation=interpolation, **kwargs)

    def _resize_img(self, results: dict) -> None:
        img = results['img']
        height, width = self._full_size(results)
        size = results['scale']
        if self.keep_ratio:
            size = mmcv.rescale_size((width, height), size)
        if width > img.shape[1] and (size[0] > img.shape[1] or size[1] > img.shape[0]):
            raise UserValueError(
                f'A frame was decoded at {img.shape[:2]} pixels (h, w), less than '
                f'Resize asks for: {size[::-1]}. Set `decode_scale` of '
                'LoadFrameFromFile to the `scale` of Resize, or remove it.'
            )
        results['img'] = self._resize(img, size)
        results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (size[0] / width, size[1] / height)
        results['keep_ratio'] = self.keep_ratio

    def _full_size(self, results: dict) -> tuple[int, int]:
        """Height and width of the frame if it had been decoded at its full size."""
        decoded_shape = results.get('decoded_shape')
        if decoded_shape is None:
            return results['img'].shape[:2]
        # MMDetection's transforms of geometry note what they did as a matrix.
        is_moved = results.get('homography_matrix') is not None
        if is_moved or results['img'].shape[:2] != decoded_shape:
            raise UserValueError(
                f'A frame was decoded at {decoded_shape} pixels (h, w) for Resize, but '
                'a transform between LoadFrameFromFile and Resize moved or cut it. Put '
                'Resize first, or remove `decode_scale` of LoadFrameFromFile.'
            )
        if not self.scale:
            raise UserValueError(
                'Resize with `scale_factor` needs whole frames. Remove `decode_scale` '
                'of LoadFrameFromFile, or state `scale`.'
            )
        results['decoded_shape'] = None
        return results['img_shape']

    def _resize(self, img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Resize to (w, h)."""
        is_like_pillow = self.backend == 'pillow' and self.interpolation == 'bilinear'
        if self.backend == 'torch' or (is_like_pillow and _is_exact(img, size)):
            return resize_antialiased(img, size)
        return mmcv.imresize(
            img, size, interpolation=self.interpolation, backend=self.backend
        )


def resize_antialiased(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize bilinearly with smoothing, as Pillow does, by PyTorch.

    PyTorch rounds the weights of a sum to 16 bits, Pillow to 22.

    Args:
        img (np.ndarray): Image, shape (H, W, C).
        size (tuple[int, int]): Width and height, pixels.

    Returns:
        np.ndarray: The resized image, of the same type.
    """
    planes = torch.from_numpy(np.ascontiguousarray(img)).permute(2, 0, 1)[None]
    resized = F.interpolate(planes, size=size[::-1], mode='bilinear', antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def _is_exact(img: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether PyTorch's numbers are equal to Pillow's.

    Sums of pixels halved are multiples of 1/8, at the border of 1/7; thirded, of 1/9
    and of 1/8. Eighths are exact with 16 bits; sevenths and ninths never lie near
    one half, where a rounded weight would matter.
    """
    sides = zip(img.shape[1::-1], size, strict=True)
    is_sum_exact = all(old in (new, 2 * new, 3 * new) for old, new in sides)
    return is_sum_exact and img.dtype == np.uint8 and img.ndim == 3
