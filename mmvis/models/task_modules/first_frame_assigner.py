"""Matching of queries and instances at the frame in which an instance appears."""

from __future__ import annotations

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.task_modules.clip_hungarian_assigner import ClipHungarianAssigner
from mmvis.registry import TASK_UTILS

__all__ = ['FirstFrameAssigner']

_FRAME_FIELDS = ('scores', 'bboxes', 'masks', 'visible')


@TASK_UTILS.register_module()
class FirstFrameAssigner(ClipHungarianAssigner):
    """Assign each instance to one query, where it is seen first, for the whole clip.

    For queries that are propagated from frame to frame, VidEoMT (Norouzi et al., CVPR
    2026): the instances that appear in a frame are matched, at least cost in that
    frame, to the queries that no earlier instance has taken. Instances that are never
    visible get no query, nor do those for which none is left.

    Args:
        match_costs (Sequence[dict]): Configs of the costs; their sum is minimised.
    """

    @torch.no_grad()
    def assign(self, pred: InstanceData, gt: InstanceData) -> tuple[Tensor, Tensor]:
        """Match queries to instances.

        Args:
            pred (InstanceData): Q predictions with those of the fields that the costs
                read: ``scores`` (Q, T, K+1), logits, ``masks`` (Q, T, ...), ``bboxes``
                (Q, T, 4).
            gt (InstanceData): N instances: ``labels`` (N,), ``visible`` (N, T) bool,
                and ``masks`` (N, T, ...) or ``bboxes`` (N, T, 4).

        Returns:
            tuple[Tensor, Tensor]: Indices of the matched queries and of their
            instances, both of shape (n,), in the order of matching.
        """
        is_free = gt.visible.new_ones(len(pred))
        # The first maximum: the first frame in which an instance is visible.
        first_frame = gt.visible.int().argmax(1)
        first_frame = first_frame.masked_fill(~gt.visible.any(1), -1)
        query_inds, gt_inds = [gt.labels[:0]], [gt.labels[:0]]
        for t in range(gt.visible.shape[1]):
            appears = (first_frame == t).nonzero()[:, 0]
            free = is_free.nonzero()[:, 0]
            queries, gts = super().assign(
                _frame_of(pred[free], t), _frame_of(gt[appears], t)
            )
            is_free[free[queries]] = False
            query_inds.append(free[queries])
            gt_inds.append(appears[gts])
        return torch.cat(query_inds), torch.cat(gt_inds)


def _frame_of(instances: InstanceData, t: int) -> InstanceData:
    """What instances are in frame t; what they are in all frames stays."""
    fields = {
        key: value[:, t] if key in _FRAME_FIELDS else value
        for key, value in instances.items()
    }
    return InstanceData(metainfo=instances.metainfo, **fields)
