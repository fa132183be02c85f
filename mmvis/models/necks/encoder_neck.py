"""Base class of necks that encode the coarsest level of a clip."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.structures import ClipFeatures

__all__ = ['EncoderNeck']


class EncoderNeck(BaseModule):
    """A neck with transformer layers over the cells of the coarsest level.

    Works after any backbone or neck; the finer levels are not read and pass unchanged,
    which ``coarsest_only`` tells the model.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest first.
            The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = True
    coarsest_only = True

    def __init__(
        self, in_channels: Sequence[int], embed_dims: int, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = list(in_channels)
        self.embed_dims = embed_dims
        self.input_proj = nn.Conv2d(self.in_channels[-1], embed_dims, 1)

    def position(self, features: ClipFeatures) -> Tensor:
        """Position codes (B, T, H*W, C) of the cells of the coarsest level."""
        raise NotImplementedError

    def prepare_frames(self, features: ClipFeatures) -> ClipFeatures:
        """Project the coarsest map, unless that was done.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: With the coarsest map (B, T, C, H, W) among the prepared.
        """
        return features.project({-1: self.input_proj})

    def embed_cells(self, features: ClipFeatures) -> tuple[Tensor, Tensor]:
        """Lay the projected map out as cells, and encode the place of each.

        Args:
            features (ClipFeatures): Whose coarsest map was projected.

        Returns:
            tuple[Tensor, Tensor]: Cells and position codes, each (B, T, H*W, C).
        """
        cells = features.maps[-1].flatten(3).transpose(2, 3)
        return cells, self.position(features)
