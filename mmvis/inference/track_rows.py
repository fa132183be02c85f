"""Selection of the result rows of a video."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvis.inference.test_cfg import TestCfg
from mmvis.ties import argmax, exceeds, rank

__all__ = ['select_rows']


def select_rows(cls_probs: Tensor, cfg: TestCfg) -> tuple[Tensor, Tensor, Tensor]:
    """Choose the rows of a video's result.

    Leaving out tracks never removes rows of the others, so that a track without a
    row among some of the tracks has none among all of them.

    Args:
        cls_probs (Tensor): Class probabilities of the tracks, no-object last, shape
            (S, K+1).
        cfg (TestCfg): ``score_thr``, ``multi_class``, ``max_per_class`` and
            ``max_per_video`` of it are used.

    Returns:
        tuple[Tensor, Tensor, Tensor]: For each of R rows, ordered by track, then by
        class: index of the track (R,), label (R,), score (R,).
    """
    scores = cls_probs[:, :-1]  # (S, K)
    if scores.numel() == 0:
        none = torch.zeros(0, dtype=torch.long)
        return none, none, scores.new_zeros(0)
    if cfg.multi_class:
        is_row = exceeds(scores, cfg.score_thr)
    else:
        is_row = torch.zeros_like(scores, dtype=torch.bool)
        is_row.scatter_(1, argmax(scores)[:, None], True)
    if cfg.max_per_class is not None:
        is_row = _keep_best(scores, is_row, cfg.max_per_class)
    if cfg.max_per_video is not None:
        flat = _keep_best(
            scores.reshape(-1, 1), is_row.reshape(-1, 1), cfg.max_per_video
        )
        is_row = flat.reshape(is_row.shape)
    tracks, labels = is_row.nonzero(as_tuple=True)
    return tracks, labels, scores[tracks, labels]


def _keep_best(scores: Tensor, is_row: Tensor, limit: int) -> Tensor:
    """The best ``limit`` rows of each column; of equal ones the first."""
    best = rank(scores.masked_fill(~is_row, 0.0))[:limit]
    kept = torch.zeros_like(is_row).scatter_(0, best, True)
    return kept & is_row
