"""One-to-one matching of queries and instances over a whole clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.registry import TASK_UTILS

__all__ = ['ClipHungarianAssigner']


@TASK_UTILS.register_module()
class ClipHungarianAssigner:
    """Assign each instance of a clip to one query, for all frames at once.

    The same for every clip head: what is compared (classes, mask tubes, boxes
    of all frames) is up to the match costs, which are registry components and
    may be MMDetection's.

    Args:
        match_costs (Sequence[dict]): Configs of the costs; their sum is
            minimised.

    Raises:
        ValueError: If there is no cost.
    """

    def __init__(self, match_costs: Sequence[dict]) -> None:
        if not match_costs:
            raise UserValueError(
                f'{type(self).__name__} needs at least one match cost, got none. '
                'Set assigner.match_costs.'
            )
        self.match_costs = [TASK_UTILS.build(cost) for cost in match_costs]

    def cost_matrix(self, pred: InstanceData, gt: InstanceData) -> Tensor:
        """Sum of the costs, shape (Q, N)."""
        return torch.stack([cost(pred, gt) for cost in self.match_costs]).sum(0)

    @torch.no_grad()
    def assign(self, pred: InstanceData, gt: InstanceData) -> tuple[Tensor, Tensor]:
        """Match queries to instances.

        Args:
            pred (InstanceData): Q predictions with the fields that the costs
                read, e.g. ``scores`` (Q, K+1) logits and ``masks`` (Q, T, H, W).
            gt (InstanceData): N instances, e.g. ``labels`` (N,), ``masks``
                (N, T, H, W).

        Returns:
            tuple[Tensor, Tensor]: Indices of the matched queries, ascending, and
            of their instances; both of shape (min(Q, N),).
        """
        if len(gt) == 0:
            none = torch.zeros(0, dtype=torch.long, device=gt.labels.device)
            return none, none
        cost = self.cost_matrix(pred, gt)
        # A NaN must reach the loss, where it is reported by name; the solver
        # would only say that its matrix is invalid.
        cost = cost.nan_to_num(nan=1e6, posinf=1e6, neginf=-1e6).cpu()
        query_inds, gt_inds = linear_sum_assignment(cost)
        device = gt.labels.device
        return (
            torch.as_tensor(query_inds, device=device),
            torch.as_tensor(gt_inds, device=device),
        )
