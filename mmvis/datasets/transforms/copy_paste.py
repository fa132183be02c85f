"""Copy-paste of moving instances between clips."""

import random
from collections.abc import Sized

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmvis.datasets.transforms.loading import check_is_whole
from mmvis.datasets.transforms.pseudo_clip import check_scale_range
from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS
from mmvis.structures.rle import mask_bbox

__all__ = ['CopyPasteClip']

_INSTANCE_KEYS = ('gt_bboxes_labels', 'gt_instances_ids', 'gt_ignore_flags')


@TRANSFORMS.register_module()
class CopyPasteClip(BaseTransform):
    """Paste instances of another clip, with their own motion and one more.

    An instance is taken out of all T frames of the other clip, flipped, scaled and
    put at a random place; from there it drifts in a straight line. It hides what is
    behind it, or is hidden by the instances that are there already. Where too little
    of an instance is left in a frame it is absent from that frame. Edges are blended
    as in MMDetection's ``CopyPaste`` without blur (Ghiasi et al., CVPR 2021); the use
    on clips is that of CTVIS (Ying et al., ICCV 2023, section 3.3).

    Works on a clip, after ``LoadClipAnnotations``, in the pipeline of MMDetection's
    ``MultiImageMixDataset``, whose ``dataset`` loads both clips. Required keys:
    mix_results (one clip) and those of ``LoadClipAnnotations``. Modified keys: img and
    all that start with ``gt_``.

    Args:
        prob (float): Share of the clips that get instances. Defaults to 0.5.
        max_num_pasted (int): At most so many instances are pasted. Defaults to 2.
        scale_range (tuple[float, float]): Range of the scale of an instance,
            beside the ratio of the clips' heights. Defaults to (0.7, 1.4).
        max_drift (float): Drift between two frames, at most this share of the
            frame's height. Defaults to 0.03.
        behind_prob (float): Share of the pasted instances that lie behind those of
            the clip. Defaults to 0.3.
        min_visible (float): An instance of which less than this share is left in a
            frame is absent from it. Defaults to 0.1.

    Raises:
        ValueError: If a share is not in [0, 1], ``max_num_pasted`` or ``max_drift`` is
            negative, or ``scale_range`` is no range of positive numbers.
    """

    def __init__(
        self,
        *,
        prob: float = 0.5,
        max_num_pasted: int = 2,
        scale_range: tuple[float, float] = (0.7, 1.4),
        max_drift: float = 0.03,
        behind_prob: float = 0.3,
        min_visible: float = 0.1,
    ) -> None:
        shares = dict(prob=prob, behind_prob=behind_prob, min_visible=min_visible)
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise UserValueError(f'`{name}` must be in [0, 1], got {share}.')
        if not (max_num_pasted >= 0 and max_drift >= 0):  # NaN is neither
            raise UserValueError(
                '`max_num_pasted` and `max_drift` must not be negative, got '
                f'{max_num_pasted} and {max_drift}.'
            )
        check_scale_range(scale_range)
        self.prob = prob
        self.max_num_pasted = max_num_pasted
        self.scale_range = tuple(scale_range)
        self.max_drift = max_drift
        self.behind_prob = behind_prob
        self.min_visible = min_visible

    def get_indexes(self, dataset: Sized) -> int:
        """Draw the clip to take instances from, for ``MultiImageMixDataset``."""
        return random.randrange(len(dataset))

    def transform(self, results: dict) -> dict:
        """Paste the instances.

        Raises:
            ValueError: If there is no other clip, or it has another length, or frames
                were decoded at a reduced size and not resized.
        """
        source = self._source(results)
        for clip in (results, source):
            check_is_whole(clip, self)
        T = len(results['img'])
        if len(source['img']) != T:
            raise UserValueError(
                f'CopyPasteClip pastes between clips of one length, got {T} and '
                f'{len(source["img"])} frames. Sample clips of the same `clip_len` in '
                'all pipelines of the data set.'
            )
        if random.random() >= self.prob:
            return results
        masks = np.stack([frame.masks for frame in source['gt_masks']])  # (T, N, h, w)
        candidates = np.flatnonzero(
            masks.any(axis=(0, 2, 3)) & ~source['gt_ignore_flags'][0]
        )
        num = min(len(candidates), random.randint(0, self.max_num_pasted))
        for n in random.sample(list(candidates), num):
            results = self._paste(results, source, n)
        return results

    def _source(self, results: dict) -> dict:
        clips = results.get('mix_results') or []
        if len(clips) != 1:
            raise UserValueError(
                'CopyPasteClip needs another clip. Use it in the `pipeline` of '
                "dict(type='MultiImageMixDataset', dataset=..., pipeline=[...])."
            )
        return clips[0]

    def _paste(self, results: dict, source: dict, n: int) -> dict:
        """Paste instance ``n`` of the source clip."""
        height, width = results['img'][0].shape[:2]
        moves = self._draw_moves(
            [frame.masks[n] for frame in source['gt_masks']], height, width
        )
        is_behind = random.random() < self.behind_prob
        clip = {key: list(value) for key, value in results.items()}
        for t, move in enumerate(moves):
            img = cv2.warpAffine(source['img'][t], move, (width, height))
            mask = source['gt_masks'][t].masks[n]
            mask = cv2.warpAffine(mask, move, (width, height), flags=cv2.INTER_NEAREST)
            there = results['gt_masks'][t].masks
            full = np.concatenate([there, mask[None]])  # (N + 1, H, W)
            visible = full.copy()
            if is_behind:
                visible[-1] &= ~there.any(axis=0)
            else:
                visible[:-1] &= ~mask.astype(bool)
            clip['img'][t] = np.where(visible[-1][..., None], img, results['img'][t])
            clip['gt_masks'][t] = self._drop_hidden(visible, full)
            clip['gt_bboxes'][t] = clip['gt_masks'][t].get_bboxes(dst_type='hbox')
            for key in _INSTANCE_KEYS:
                clip[key][t] = np.append(results[key][t], source[key][t][n])
            ids = clip['gt_instances_ids'][t]
            ids[-1] = ids[:-1].max(initial=0) + 1  # an id of its own in this clip
        return clip

    def _draw_moves(
        self, masks: list[np.ndarray], height: int, width: int
    ) -> list[np.ndarray]:
        """Affine maps from the source's frames to those of the clip, (2, 3) each."""
        first = next(mask for mask in masks if mask.any())
        left, top, right, bottom = mask_bbox(first)
        scale = random.uniform(*self.scale_range) * height / first.shape[0]
        flip = random.choice((-1.0, 1.0))
        place = random.uniform(0, width), random.uniform(0, height)
        drift = [random.uniform(-1, 1) * self.max_drift * height for _ in range(2)]
        linear = np.array([[scale * flip, 0.0], [0.0, scale]])
        start = place - linear @ ((left + right) / 2, (top + bottom) / 2)
        return [
            np.column_stack([linear, start + np.multiply(drift, t)])
            for t in range(len(masks))
        ]

    def _drop_hidden(self, visible: np.ndarray, full: np.ndarray) -> BitmapMasks:
        """Empty the masks of which too little is left."""
        left = visible.sum(axis=(1, 2))
        visible[left < self.min_visible * full.sum(axis=(1, 2))] = 0
        return BitmapMasks(visible, *visible.shape[1:])

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'
