"""Random crop of a clip that keeps an instance."""

import random

import numpy as np
from mmcv.transforms import BaseTransform

from mmvis.datasets.transforms.loading import check_is_whole
from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS

__all__ = ['RandomClipCrop']


@TRANSFORMS.register_module()
class RandomClipCrop(BaseTransform):
    """Crop all frames of a clip at the same place.

    Height and width are drawn independently from [min_size, max_size], limited by
    the image, and the place is uniform: DETR's crop as VisTR and IFC's COCO stage
    use it. Differs from the original: a crop that shows no pixel of any instance
    in any frame is drawn again, and after ``max_attempts`` placed around an
    instance. The list of instances stays; those cropped away become absent.

    Works on a clip, outside of ``TransformBroadcaster``. Modified keys: img,
    img_shape, gt_bboxes, gt_masks.

    Args:
        min_size (int): Smallest side of a crop in pixels. Defaults to 384.
        max_size (int): Largest side of a crop in pixels. Defaults to 600.
        max_attempts (int): Draws before the crop is placed. Defaults to 10.

    Raises:
        ValueError: If the sizes are not 0 < min_size <= max_size.
    """

    def __init__(
        self, min_size: int = 384, max_size: int = 600, max_attempts: int = 10
    ) -> None:
        if not 0 < min_size <= max_size:
            raise UserValueError(
                '`min_size` and `max_size` must be 0 < min_size <= max_size, got '
                f'{min_size} and {max_size}.'
            )
        self.min_size = min_size
        self.max_size = max_size
        self.max_attempts = max_attempts

    def transform(self, results: dict) -> dict:
        """Crop the clip."""
        check_is_whole(results, self)
        left, top, right, bottom = self._draw_crop(results)
        size = (bottom - top, right - left)
        results['img'] = [img[top:bottom, left:right] for img in results['img']]
        results['img_shape'] = [size] * len(results['img'])
        for bboxes in results.get('gt_bboxes', ()):
            bboxes.translate_((-left, -top))
            bboxes.clip_(size)
        if 'gt_masks' in results:
            window = np.array([left, top, right, bottom])
            results['gt_masks'] = [masks.crop(window) for masks in results['gt_masks']]
        return results

    def _draw_crop(self, results: dict) -> tuple[int, int, int, int]:
        """Draw x1, y1, x2, y2 of a crop that shows an instance."""
        height, width = results['img'][0].shape[:2]
        masks = [frame_masks.masks for frame_masks in results.get('gt_masks', ())]
        has_instance = any(frame_masks.any() for frame_masks in masks)
        for _ in range(self.max_attempts):
            crop_h, crop_w = self._draw_side(height), self._draw_side(width)
            top = random.randint(0, height - crop_h)
            left = random.randint(0, width - crop_w)
            window = np.s_[:, top : top + crop_h, left : left + crop_w]
            if not has_instance or any(frame[window].any() for frame in masks):
                return left, top, left + crop_w, top + crop_h
        y, x = _draw_visible_pixel(masks)
        top = min(max(y - crop_h // 2, 0), height - crop_h)
        left = min(max(x - crop_w // 2, 0), width - crop_w)
        return left, top, left + crop_w, top + crop_h

    def _draw_side(self, side: int) -> int:
        return random.randint(min(self.min_size, side), min(self.max_size, side))

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(min_size={self.min_size}, '
            f'max_size={self.max_size}, max_attempts={self.max_attempts})'
        )


def _draw_visible_pixel(masks: list[np.ndarray]) -> tuple[int, int]:
    """Draw y, x of a pixel of a random visible mask of the clip."""
    visible = [mask for frame_masks in masks for mask in frame_masks if mask.any()]
    ys, xs = np.nonzero(random.choice(visible))
    n = random.randrange(len(ys))
    return int(ys[n]), int(xs[n])
