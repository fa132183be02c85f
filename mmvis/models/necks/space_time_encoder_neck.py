"""VisTR's encoder: all cells of all frames attend to each other."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import nn

from mmvis.models.layers import EncoderLayer, run_recomputed, sine_position_3d
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['SpaceTimeEncoderNeck']


@MODELS.register_module()
class SpaceTimeEncoderNeck(BaseModule):
    """Transformer encoder over the cells of a whole clip as one sequence.

    VisTR (Wang et al., CVPR 2021), Sec. 3.2. Time grows with (T*H*W)^2; memory with
    T*H*W, since the attention weights are never held (see
    :func:`mmvis.models.layers.attend`).

    Works after any backbone or neck, for any T; only the coarsest level is encoded,
    the finer ones pass unchanged. Tokens of an earlier neck end here: their news are
    in the cells.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest first.
            The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map, a multiple of 6. Defaults to 384.
        num_layers (int): Number of layers. Defaults to 6.
        num_heads (int): Attention heads. Defaults to 8.
        feedforward_channels (int): Hidden width of the feed-forward blocks.
            Defaults to 2048.
        dropout (float): Defaults to 0.1.
        pos_in_content (bool): Add the position code to the cells once, before the
            first layer, beside giving it to each attention. Defaults to False, as
            published.
        with_cp (bool): Recompute activations in the backward pass to save memory.
            Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = True

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int = 384,
        num_layers: int = 6,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dropout: float = 0.1,
        pos_in_content: bool = False,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = list(in_channels)
        self.embed_dims = embed_dims
        self.pos_in_content = pos_in_content
        self.with_cp = with_cp
        self.input_proj = nn.Conv2d(self.in_channels[-1], embed_dims, 1)
        self.layers = nn.ModuleList(
            EncoderLayer(embed_dims, num_heads, feedforward_channels, dropout)
            for _ in range(num_layers)
        )
        for p in self.layers.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Encode the coarsest level of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: The same with the last map encoded, shape
            (B, T, C, H, W), without tokens.
        """
        x = features.maps[-1]
        B, T, _, H, W = x.shape
        padding_mask = features.padding_masks[-1]
        cells = self.input_proj(x.flatten(0, 1)).flatten(2).transpose(1, 2)
        cells = cells.reshape(B, T * H * W, -1)
        pos = sine_position_3d(padding_mask, self.embed_dims).flatten(1, 2)
        if self.pos_in_content:
            cells = cells + pos
        padding = features.find_padding(-1)
        padding = None if padding is None else padding.flatten(1)  # (B, T*H*W)
        for layer in self.layers:
            cells = run_recomputed(layer, cells, pos, padding, with_cp=self.with_cp)
        encoded = cells.view(B, T, H, W, -1).permute(0, 1, 4, 2, 3)
        return features.replace(
            maps=(*features.maps[:-1], encoded), tokens=None, token_pos=None
        )
