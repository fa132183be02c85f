"""IFC's head with query windows."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvis.models.from_scratch.query_window import QueryWindow
from mmvis.models.layers import level_position, sine_position
from mmvis.models.vis_heads import IFCHead
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['FromScratchIFCHead']


@MODELS.register_module()
class FromScratchIFCHead(IFCHead):
    """An :class:`IFCHead` whose queries have windows, see :class:`QueryWindow`.

    Args:
        **kwargs: Of :class:`IFCHead`; its ``decoder`` is a :class:`GridClipDecoder`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        embed_dims = self.decoder.query_embed.embedding_dim
        self.window = QueryWindow(
            embed_dims, self.decoder.pos_temperature, self.decoder.query_grid
        )

    def _predict_layers(self, queries: Tensor, features: ClipFeatures) -> list[dict]:
        """Add each query's window to its masks."""
        predictions = super()._predict_layers(queries, features)
        windows = self.windows(queries, features)
        return [
            dict(prediction, mask_logits=prediction['mask_logits'] + window)
            for prediction, window in zip(predictions, windows)
        ]

    def windows(self, queries: Tensor, features: ClipFeatures) -> list[Tensor]:
        """Window of the queries (L, B, Q, C) of each layer, each (B, Q, 1, h, w)."""
        level = -self.num_levels
        positions = level_position(
            features.select_frames(0, 1),
            level,
            sine_position,
            *self.window.position_args,
        )
        codes, query_pos = self.window.codes(positions), self.decoder.query_embed
        windows = [self.window(query, query_pos.weight, codes) for query in queries]
        size = features.padding_masks[level].shape[-2:]
        return [w.unflatten(-1, size)[:, :, None] for w in windows]
