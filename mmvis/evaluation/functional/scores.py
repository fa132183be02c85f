"""Summary numbers of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmvis.evaluation.functional.params import AREA_RANGES, IOU_THRS, MAX_DETS

__all__ = ['YTVISScores']

_AREAS = tuple(AREA_RANGES)


def _mean(values: np.ndarray) -> float:
    """Mean over the entries that exist; -1 if there are none."""
    values = values[values > -1]
    return float(np.mean(values)) if values.size else -1.0


@dataclass
class YTVISScores:
    """Precision and recall of a results file, and the numbers made of them.

    Attributes:
        precision (np.ndarray): Precision at 101 recall points, shape
            (T, R, K, A, M): IoU thresholds, recall points, categories, area
            ranges, numbers of predictions; -1 where nothing could be found.
        recall (np.ndarray): Final recall, shape (T, K, A, M).
        cat_ids (list[int]): Category ids of axis K; ``[-1]`` if all count as one.
    """

    precision: np.ndarray
    recall: np.ndarray
    cat_ids: list[int]

    def ap(
        self,
        iou_thr: float | None = None,
        area: str = 'all',
        cat: int | slice = slice(None),
    ) -> float:
        """Average precision at 100 predictions per video and category.

        Args:
            iou_thr (float | None): One of the ten IoU thresholds, None for all.
            area (str): 'all', 'small', 'medium' or 'large'. Defaults to 'all'.
            cat (int | slice): Place of a category on axis K. Defaults to all.

        Returns:
            float: AP in [0, 1], or -1 if there is no ground truth.
        """
        thrs = slice(None) if iou_thr is None else np.isclose(IOU_THRS, iou_thr)
        return _mean(self.precision[thrs][:, :, cat, _AREAS.index(area), -1])

    def ar(
        self, max_dets: int = 100, area: str = 'all', cat: int | slice = slice(None)
    ) -> float:
        """Average recall, mean over the IoU thresholds.

        Args:
            max_dets (int): 1, 10 or 100 predictions per video and category.
            area (str): 'all', 'small', 'medium' or 'large'. Defaults to 'all'.
            cat (int | slice): Place of a category on axis K. Defaults to all.

        Returns:
            float: AR in [0, 1], or -1 if there is no ground truth.
        """
        m = MAX_DETS.index(max_dets)
        return _mean(self.recall[:, cat, _AREAS.index(area), m])

    def stats(self) -> dict[str, float]:
        """The twelve numbers that the official evaluator prints, unrounded."""
        return dict(
            AP=self.ap(),
            AP50=self.ap(iou_thr=0.5),
            AP75=self.ap(iou_thr=0.75),
            APs=self.ap(area='small'),
            APm=self.ap(area='medium'),
            APl=self.ap(area='large'),
            AR1=self.ar(max_dets=1),
            AR10=self.ar(max_dets=10),
            AR100=self.ar(),
            ARs=self.ar(area='small'),
            ARm=self.ar(area='medium'),
            ARl=self.ar(area='large'),
        )

    def per_category(self) -> dict[int, dict[str, float]]:
        """AP, AP50, AP75, AR1, AR10 and AR100 by category id."""
        return {
            cat_id: dict(
                AP=self.ap(cat=k),
                AP50=self.ap(iou_thr=0.5, cat=k),
                AP75=self.ap(iou_thr=0.75, cat=k),
                AR1=self.ar(max_dets=1, cat=k),
                AR10=self.ar(max_dets=10, cat=k),
                AR100=self.ar(cat=k),
            )
            for k, cat_id in enumerate(self.cat_ids)
        }
