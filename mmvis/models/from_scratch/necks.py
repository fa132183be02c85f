"""Encoder necks that add the position code to their input.

The published necks use positions in attention only, and encoded features contain the
position only after a long training. Here they contain it from the beginning.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvis.models.layers import level_position, sine_position
from mmvis.models.necks import (
    MemoryTokenNeck,
    MessengerTokenNeck,
    SpaceTimeEncoderNeck,
)
from mmvis.models.necks.encoder_neck import EncoderNeck
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = [
    'FromScratchMemoryTokenNeck',
    'FromScratchMessengerTokenNeck',
    'FromScratchSpaceTimeEncoderNeck',
]


class _PositionInContent(EncoderNeck):
    """Add the position code to the cells once, before the first layer."""

    def embed_cells(self, features: ClipFeatures) -> tuple[Tensor, Tensor]:
        cells, pos = super().embed_cells(features)
        return cells + pos, pos


class _PositionTemperature(EncoderNeck):
    """Take the temperature of the position code as an argument.

    Args:
        pos_temperature (float): See :func:`sine_position`; the decoder has one, too.
            Defaults to DETR's, 10000.
        **kwargs: Of the neck.
    """

    def __init__(self, *, pos_temperature: float = 10000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pos_temperature = pos_temperature

    def position(self, features: ClipFeatures) -> Tensor:
        args = (self.embed_dims, self.pos_temperature)
        return level_position(features, -1, sine_position, *args)


@MODELS.register_module()
class FromScratchMemoryTokenNeck(
    _PositionInContent, _PositionTemperature, MemoryTokenNeck
):
    """A :class:`MemoryTokenNeck` with positions in the cells."""


@MODELS.register_module()
class FromScratchMessengerTokenNeck(
    _PositionInContent, _PositionTemperature, MessengerTokenNeck
):
    """A :class:`MessengerTokenNeck` with positions in the cells."""


@MODELS.register_module()
class FromScratchSpaceTimeEncoderNeck(_PositionInContent, SpaceTimeEncoderNeck):
    """A :class:`SpaceTimeEncoderNeck` with positions in the cells."""
