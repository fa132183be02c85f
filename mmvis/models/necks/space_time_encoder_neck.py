"""VisTR's encoder: self-attention over all cells of all frames."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmvis.models.layers import (
    EncoderLayer,
    level_position,
    run_recomputed,
    sine_position_3d,
    stack_layers,
)
from mmvis.models.necks.encoder_neck import EncoderNeck
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['SpaceTimeEncoderNeck']


@MODELS.register_module()
class SpaceTimeEncoderNeck(EncoderNeck):
    """Transformer encoder over the cells of a whole clip as one sequence.

    VisTR (Wang et al., CVPR 2021), Sec. 3.2. Time grows with (T*H*W)^2; memory with
    T*H*W, since the attention weights are never held (see
    :func:`mmvis.models.layers.attend`).

    Tokens of an earlier neck are dropped: the cells hold their information.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest first.
            The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map, a multiple of 6. Defaults to 384.
        num_layers (int): Number of layers. Defaults to 6.
        layer (dict, optional): What each layer takes, see :func:`stack_layers`.
        with_cp (bool): Recompute activations in the backward pass to save memory.
            Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        embed_dims: int = 384,
        num_layers: int = 6,
        layer: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(in_channels, embed_dims, init_cfg)
        self.with_cp = with_cp
        self.layers = stack_layers(EncoderLayer, num_layers, embed_dims, layer)
        for p in self.layers.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def position(self, features: ClipFeatures) -> Tensor:
        """VisTR's 3-D code, which also depends on the frame."""
        return level_position(features, -1, sine_position_3d, self.embed_dims)

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Encode the coarsest level of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: The same with the last map encoded, shape
            (B, T, C, H, W), without tokens.
        """
        features = self.prepare_frames(features)
        B, T, _, H, W = features.maps[-1].shape
        cells, pos = (x.flatten(1, 2) for x in self.embed_cells(features))
        padding = features.find_padding(-1)
        padding = None if padding is None else padding.flatten(1)  # (B, T*H*W)
        for layer in self.layers:
            cells = run_recomputed(layer, cells, pos, padding, with_cp=self.with_cp)
        encoded = cells.view(B, T, H, W, -1).permute(0, 1, 4, 2, 3)
        return features.replace(
            maps=(*features.maps[:-1], encoded),
            prepared=features.prepared - {-1},
            tokens=None,
            token_pos=None,
        )
