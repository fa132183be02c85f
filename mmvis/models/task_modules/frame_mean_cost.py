"""Match cost of single frames, averaged over a clip."""

from __future__ import annotations

from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.registry import TASK_UTILS

__all__ = ['FrameMeanCost']

_PRED_FIELDS = ('scores', 'bboxes')


@TASK_UTILS.register_module()
class FrameMeanCost:
    """Apply a match cost of images to each frame of a clip, and take the mean.

    An instance is compared in the frames in which it exists: the others add nothing,
    neither to the sum nor to its divisor. TeViT (Yang et al., CVPR 2022), Sec. 3.3.

    Args:
        cost (dict): Config of the cost, e.g. MMDetection's ``FocalLossCost``,
            ``BBoxL1Cost`` or ``IoUCost``; it carries its own weight.
    """

    def __init__(self, cost: dict) -> None:
        self.cost = TASK_UTILS.build(cost)

    def __call__(self, pred: InstanceData, gt: InstanceData) -> Tensor:
        """Compare the Q predictions of a clip with its N instances.

        Args:
            pred (InstanceData): ``scores`` (Q, T, K), logits, and ``bboxes``
                (Q, T, 4), xyxy in pixels; at least what the cost reads of them.
            gt (InstanceData): ``labels`` (N,) or one for each frame (N, T),
                ``bboxes`` (N, T, 4) and ``visible`` (N, T) bool. Its meta
                information, e.g. ``img_shape`` (h, w), is handed to the cost.

        Returns:
            Tensor: Shape (Q, N).
        """
        total = 0
        weights = gt.visible.float()  # (N, T)
        for t in range(weights.shape[1]):
            frame_pred = InstanceData(
                **{key: pred[key][:, t] for key in _PRED_FIELDS if key in pred}
            )
            labels = gt.labels if gt.labels.dim() == 1 else gt.labels[:, t]
            frame_gt = InstanceData(labels=labels, bboxes=gt.bboxes[:, t])
            cost = self.cost(frame_pred, frame_gt, img_meta=gt.metainfo)  # (Q, N)
            total = total + cost * weights[:, t]
        return total / weights.sum(1).clamp(min=1)
