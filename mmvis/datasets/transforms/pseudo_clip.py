"""Pseudo-clips: a clip from one image by camera motion."""

import random
from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS

__all__ = ['MakePseudoClip', 'check_scale_range']


@dataclass
class _Pose:
    """Where the camera is: angle in degrees, zoom, shift as share of the image."""

    angle: float
    scale: float
    shift_x: float
    shift_y: float

    def matrix(self, height: int, width: int) -> np.ndarray:
        """Affine map from image to frame, shape (2, 3)."""
        centre = ((width - 1) / 2, (height - 1) / 2)
        matrix: np.ndarray = cv2.getRotationMatrix2D(centre, self.angle, self.scale)
        matrix[:, 2] += self.shift_x * width, self.shift_y * height
        return matrix

    def towards(self, other: '_Pose', share: float) -> '_Pose':
        """Interpolate linearly."""
        own, its = vars(self), vars(other)
        return _Pose(**{key: own[key] + share * (its[key] - own[key]) for key in own})


@TRANSFORMS.register_module()
class MakePseudoClip(BaseTransform):
    """Turn a clip of one frame into a clip of T by rotation, zoom and shift.

    Instances keep their ids and order; those that leave the frame are absent from
    it. Pixels beyond the image's border are ``fill_value``.

    Works on a clip, after ``LoadClipAnnotations``. Modified keys: all, each
    becomes a list of T.

    Args:
        clip_len (int): Frames per clip, T.
        max_rotate_degree (float): Rotations are drawn from plus or minus this.
            Defaults to 15.
        scale_range (tuple[float, float]): Range of zooms; above 1 the frame shows
            a crop of the image. Defaults to (1.0, 1.5).
        max_shift (float): Shifts are drawn from plus or minus this share of the
            image's sides. Defaults to 0.1.
        smooth (bool): Whether only the first and the last pose are drawn and the
            others lie between them, a camera in motion; otherwise every frame's
            pose is drawn. Defaults to True.
        fill_value (tuple[int, int, int]): Colour beyond the border, BGR. Defaults
            to ImageNet's mean.

    Raises:
        ValueError: If ``clip_len`` is not positive or ``scale_range`` is no range
            of positive numbers.
    """

    def __init__(
        self,
        clip_len: int,
        max_rotate_degree: float = 15.0,
        scale_range: tuple[float, float] = (1.0, 1.5),
        max_shift: float = 0.1,
        smooth: bool = True,
        fill_value: tuple[int, int, int] = (104, 116, 124),
    ) -> None:
        if clip_len < 1:
            raise UserValueError(f'`clip_len` must be at least 1, got {clip_len}.')
        check_scale_range(scale_range)
        self.clip_len = clip_len
        self.max_rotate_degree = max_rotate_degree
        self.scale_range = tuple(scale_range)
        self.max_shift = max_shift
        self.smooth = smooth
        self.fill_value = tuple(fill_value)

    def transform(self, results: dict) -> dict:
        """Make the clip.

        Raises:
            ValueError: If the incoming clip has more than one frame.
        """
        if len(results['img']) != 1:
            raise UserValueError(
                f'MakePseudoClip makes a clip of one image, got {len(results["img"])} '
                'frames. Use it with CocoClipDataset, or sample a single frame.'
            )
        T = self.clip_len
        height, width = results['img'][0].shape[:2]
        poses = self._draw_poses()
        clip = {key: list(value) * T for key, value in results.items()}
        clip['frame_id'] = list(range(T))
        clip['video_len'] = [T] * T
        clip['img'] = [
            cv2.warpAffine(
                results['img'][0],
                pose.matrix(height, width),
                (width, height),
                borderValue=self.fill_value,
            )
            for pose in poses
        ]
        if 'gt_masks' in results:
            masks = [_warp_masks(results['gt_masks'][0], pose) for pose in poses]
            clip['gt_masks'] = masks
            clip['gt_bboxes'] = [frame.get_bboxes(dst_type='hbox') for frame in masks]
        return clip

    def _draw_poses(self) -> list[_Pose]:
        T = self.clip_len
        if not self.smooth or T == 1:
            return [self._draw_pose() for _ in range(T)]
        first, last = self._draw_pose(), self._draw_pose()
        return [first.towards(last, t / (T - 1)) for t in range(T)]

    def _draw_pose(self) -> _Pose:
        return _Pose(
            angle=random.uniform(-self.max_rotate_degree, self.max_rotate_degree),
            scale=random.uniform(*self.scale_range),
            shift_x=random.uniform(-self.max_shift, self.max_shift),
            shift_y=random.uniform(-self.max_shift, self.max_shift),
        )

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'


def _warp_masks(masks: BitmapMasks, pose: _Pose) -> BitmapMasks:
    height, width = masks.height, masks.width
    matrix = pose.matrix(height, width)  # the image may be decoded at a reduced size
    warped = [
        cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST)
        for mask in masks.masks
    ]
    return BitmapMasks(warped, height, width)


def check_scale_range(scale_range: tuple[float, float]) -> None:
    """Check the range that the scales of a transform are drawn from.

    Raises:
        ValueError: If it is no range of positive numbers.
    """
    if not 0 < scale_range[0] <= scale_range[1]:
        raise UserValueError(
            f'`scale_range` must be (low, high) with 0 < low <= high, got '
            f'{scale_range}.'
        )
