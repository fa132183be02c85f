"""Clip merger by query index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmvis.errors import UserTypeError, UserValueError
from mmvis.inference.clip_mergers.base_clip_merger import BaseClipMerger
from mmvis.registry import TASK_UTILS
from mmvis.structures import AnyClipPrediction

__all__ = ['QueryIndexMerger']

# The least probability whose logarithm float32 tells from the next one's.
_MIN_PROB = 1e-38


@TASK_UTILS.register_module()
class QueryIndexMerger(BaseClipMerger):
    """Use the index of the query as the track, without matching.

    For heads whose queries are propagated from clip to clip and keep their object, as
    VidEoMT's (Norouzi et al., CVPR 2026) and GenVIS's do. Masks of overlapping clips
    are averaged as by the other mergers.

    Memory: the sums of the base class; a track for each query that was ever used,
    none of which ends before the video does.

    Args:
        average_logits (bool): Average class logits over the clips, then take their
            softmax, instead of averaging probabilities. That is the normalised
            geometric mean of the probabilities, so that heads need not give logits;
            they must be softmax probabilities. Defaults to False.

    Raises:
        TypeError: If ``average_logits`` is no bool.
    """

    def __init__(self, average_logits: bool = False) -> None:
        if not isinstance(average_logits, bool):
            raise UserTypeError(
                f'`average_logits` must be True or False, got {average_logits!r}.'
            )
        self.average_logits = average_logits
        super().__init__()

    def assign(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """See the base class; the track is the query's index.

        Raises:
            ValueError: If the head does not say which queries made its predictions.
        """
        if prediction.query_inds is None:
            raise UserValueError(
                'QueryIndexMerger needs the index of the query behind each prediction, '
                'but the head gives `query_inds=None`. Take another '
                '`model.test_cfg.merger`, e.g. TrackClipMerger, or let the head set '
                '`query_inds`.'
            )
        return prediction.query_inds.cpu().numpy().astype(np.int64)

    def assign_only_clip(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """See the base class; the track is the query's index here, too."""
        return self.assign(frame_inds, prediction)

    def open_tracks(self) -> set[int]:
        """See the base class; a query can always come back."""
        return set(self._classes)

    def cls_evidence(self, prediction: AnyClipPrediction) -> Tensor:
        """See the base class; logarithms where logits are averaged."""
        if not self.average_logits:
            return prediction.cls_probs
        return prediction.cls_probs.double().clamp(min=_MIN_PROB).log()

    def cls_probs(self, track_ids: Sequence[int] | None = None) -> Tensor:
        """See the base class."""
        means = super().cls_probs(track_ids)
        return torch.softmax(means, dim=1) if self.average_logits else means
