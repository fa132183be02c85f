"""Features within boxes, from the level that suits the size of each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor

from mmvis.registry import MODELS

__all__ = ['SortedRoIExtractor']


@MODELS.register_module()
class SortedRoIExtractor(SingleRoIExtractor):
    """MMDetection's ``SingleRoIExtractor``, with boxes sorted by their level.

    MMDetection asks the device at each level which boxes belong to it. Here only the
    numbers of boxes of all levels are asked for, once. Results are equal.
    """

    def forward(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Read the features in boxes.

        Args:
            feats (Sequence[Tensor]): Maps of L levels, finest first, (B, C, H_l, W_l).
            rois (Tensor): Index of the image and box (x1, y1, x2, y2) in pixels,
                shape (n, 5).
            roi_scale_factor (float, optional): Boxes are enlarged by this factor
                after their level is known.

        Returns:
            Tensor: Features, shape (n, C, h, w); zeros for a box whose left side is
            right of the right one, or the top below the bottom, which has no scale.
        """
        rois = rois.type_as(feats[0])
        levels = self.map_roi_levels(rois, len(feats)).clamp(min=-1)  # -1: NaN
        order = levels.argsort(stable=True)
        each_level = torch.arange(-1, len(feats), device=rois.device)[:, None]
        no_level, *counts = (levels == each_level).sum(dim=1).tolist()
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        parts = rois[order[no_level:]].split(counts)
        found = [
            layer(x, part) if len(part) else self._zeros(x, 0)
            for layer, x, part in zip(self.roi_layers, feats, parts, strict=True)
        ]
        features = torch.cat([self._zeros(feats[0], no_level), *found])
        return features[order.argsort()]

    def _zeros(self, x: Tensor, num_rois: int) -> Tensor:
        """Features of no map; with x in the graph, as with DDP all ranks need it."""
        size = self.roi_layers[0].output_size
        return x.new_zeros(num_rois, self.out_channels, *size) + x[:0].sum()
