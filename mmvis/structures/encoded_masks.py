"""Masks of one frame that are encoded already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmvis.structures.frame_masks import EncodedMask

__all__ = ['EncodedMasks']


@dataclass(frozen=True)
class EncodedMasks:
    """Masks at the size of the video; used as :class:`FrameMasks` is.

    Attributes:
        items (list[EncodedMask]): The n masks.
    """

    items: list[EncodedMask]

    def __len__(self) -> int:
        return len(self.items)

    def select(self, rows: Sequence[int]) -> EncodedMasks:
        """Pick masks, in the order of ``rows``."""
        return EncodedMasks([self.items[row] for row in rows])

    def encode(self, size: tuple[int, int]) -> list[EncodedMask | None]:
        """The masks as they are; ``size`` is theirs."""
        return [*self.items]

    def pack(self) -> list[EncodedMask]:
        """Split into single masks, which are small as they are."""
        return [*self.items]
