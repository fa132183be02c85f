"""Features of a batch of clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

__all__ = ['ClipFeatures']


@dataclass(frozen=True)
class ClipFeatures:
    """Feature maps and tokens of a batch of clips.

    A backbone returns it, a neck takes one and returns one, a head reads it.

    Attributes:
        maps (tuple[Tensor]): One map per level, finest first, each of shape
            (B, T, C_l, H_l, W_l).
        feat_strides (tuple[int]): Stride of each level in input pixels.
        padding_masks (tuple[Tensor]): One bool mask per level, shape
            (B, T, H_l, W_l), True where a cell lies outside of its frame.
        tokens (Tensor | None): Tokens of each frame, shape (B, T, M, C).
        token_pos (Tensor | None): Position embedding of the tokens, shape
            (M, C), the same in every frame.
        frame_sizes (tuple[tuple[int, int]] | None): Height and width, in input
            pixels, of the frames of each of the B clips, without padding.
        prepared (frozenset[int]): Levels, counted from the coarsest, which is -1, whose
            maps have passed the per-frame layers of the part that reads them, see
            :meth:`ClipVISModel.encode_frames`.
        num_repeats (int): How many of the last frames only repeat earlier ones, see
            :meth:`repeat_frames`; heads leave them out of what they return.
    """

    maps: tuple[Tensor, ...]
    feat_strides: tuple[int, ...]
    padding_masks: tuple[Tensor, ...]
    tokens: Tensor | None = None
    token_pos: Tensor | None = None
    frame_sizes: tuple[tuple[int, int], ...] | None = None
    prepared: frozenset[int] = frozenset()
    num_repeats: int = 0

    @property
    def num_frames(self) -> int:
        """T, the number of frames of each clip."""
        return self.maps[0].shape[1]

    def find_padding(self, level: int) -> Tensor | None:
        """Padding mask of a level, for attention to leave its cells out.

        If ``frame_sizes`` are known, they are used instead of the mask: reading a mask
        on a GPU would wait for all work before it.

        Args:
            level (int): Index of the level.

        Returns:
            Tensor | None: Shape (B, T, H_l, W_l); None if no cell is padding.
        """
        mask, sizes = self.padding_masks[level], self.level_sizes(level)
        if sizes is None:
            return mask if mask.any() else None
        is_padded = any(size != tuple(mask.shape[-2:]) for size in sizes)
        return mask if is_padded else None

    def level_sizes(self, level: int) -> tuple[tuple[int, int], ...] | None:
        """Height and width, in cells of a level, of each clip's frames without padding.

        Args:
            level (int): Index of the level.

        Returns:
            tuple[tuple[int, int]] | None: None if ``frame_sizes`` are not known.
        """
        if self.frame_sizes is None:
            return None
        H, W = self.padding_masks[level].shape[-2:]
        stride = self.feat_strides[level]
        return tuple(
            (min(H, -(-h // stride)), min(W, -(-w // stride)))
            for h, w in self.frame_sizes
        )

    def replace(self, **changes: Any) -> ClipFeatures:
        """Copy with some attributes replaced."""
        return replace(self, **changes)

    def project(self, layers: Mapping[int, Callable[[Tensor], Tensor]]) -> ClipFeatures:
        """Apply per-frame layers to the maps of levels that are not prepared yet.

        Args:
            layers (Mapping[int, Callable]): By level, counted from the coarsest, which
                is -1; each takes and returns images (N, C_l, H_l, W_l).

        Returns:
            ClipFeatures: With these levels among the ``prepared`` ones.
        """
        maps = {}
        for level, layer in layers.items():
            if level not in self.prepared:
                x = self.maps[level]
                maps[level] = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.with_prepared(maps) if maps else self

    def with_prepared(self, maps: Mapping[int, Tensor], **changes: Any) -> ClipFeatures:
        """Replace maps by prepared ones.

        Args:
            maps (Mapping[int, Tensor]): By level, counted from the coarsest, which is
                -1; each of shape (B, T, C_l, H_l, W_l).
            **changes: Other attributes.

        Returns:
            ClipFeatures: With these levels among the ``prepared`` ones.
        """
        num_levels = len(self.maps)
        return self.replace(
            maps=tuple(
                maps.get(level - num_levels, m) for level, m in enumerate(self.maps)
            ),
            prepared=self.prepared | maps.keys(),
            **changes,
        )

    def select_frames(self, start: int, stop: int) -> ClipFeatures:
        """Frames ``start`` to ``stop - 1`` as views, nothing is copied."""
        return self.replace(
            maps=tuple(m[:, start:stop] for m in self.maps),
            padding_masks=tuple(m[:, start:stop] for m in self.padding_masks),
            tokens=None if self.tokens is None else self.tokens[:, start:stop],
        )

    def repeat_frames(self, num_frames: int) -> ClipFeatures:
        """Repeat the frames in turn until there are ``num_frames``.

        Args:
            num_frames (int): At least as many as there are.

        Returns:
            ClipFeatures: Clips of ``num_frames`` frames, of which ``num_repeats``
            are repetitions. With nothing to add, this object itself.
        """
        num_missing = num_frames - self.num_frames
        if num_missing == 0:
            return self
        frames = [t % self.num_frames for t in range(num_frames)]
        return self.replace(
            maps=tuple(m[:, frames] for m in self.maps),
            padding_masks=tuple(m[:, frames] for m in self.padding_masks),
            tokens=None if self.tokens is None else self.tokens[:, frames],
            num_repeats=self.num_repeats + num_missing,
        )

    @staticmethod
    def cat(parts: Sequence[ClipFeatures]) -> ClipFeatures:
        """Join features of successive frames along T.

        Args:
            parts (Sequence[ClipFeatures]): At least one; equal in everything
                but T.
        """
        first = parts[0]
        if len(parts) == 1:
            return first
        tokens = [p.tokens for p in parts if p.tokens is not None]
        return first.replace(
            maps=tuple(torch.cat(ms, dim=1) for ms in zip(*(p.maps for p in parts))),
            padding_masks=tuple(
                torch.cat(ms, dim=1) for ms in zip(*(p.padding_masks for p in parts))
            ),
            tokens=torch.cat(tokens, dim=1) if tokens else None,
        )
