"""IFC's head with query windows."""

from __future__ import annotations

from torch import Tensor

from mmvis.models.from_scratch.query_window import QueryWindow
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

    def __init__(self, **kwargs) -> None:
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
        padding_mask = features.padding_masks[-self.num_levels][:, 0]  # (B, h, w)
        codes, query_pos = self.window.codes(padding_mask), self.decoder.query_embed
        windows = [self.window(query, query_pos.weight, codes) for query in queries]
        return [w.unflatten(-1, padding_mask.shape[-2:])[:, :, None] for w in windows]
