"""Frames that no later clip can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from mmvis.structures import FrameMasks, RoIFrameMasks

__all__ = ['FinalFrame']

_Masks = TypeVar('_Masks', FrameMasks, RoIFrameMasks)


@dataclass(frozen=True)
class FinalFrame(Generic[_Masks]):
    """Masks of one frame that no later clip can change.

    Attributes:
        frame_id (int): Index of the frame in its video.
        track_ids (list[int]): The n tracks that have a mask there, ascending.
        masks (FrameMasks | RoIFrameMasks): Their masks, n.
    """

    frame_id: int
    track_ids: list[int]
    masks: _Masks

    def frames_until(self, later: FinalFrame[_Masks]) -> Iterator[FinalFrame[_Masks]]:
        """Interpolate the frames between this one and a later one.

        Logits, and boxes if there are any, are interpolated linearly in time. A track
        with a mask in one of both frames only keeps that mask where this frame is at
        most as far away as the other one.

        Args:
            later (FinalFrame): The next frame that the model saw.

        Yields:
            FinalFrame: Each frame strictly between them, ascending.
        """
        distance = later.frame_id - self.frame_id
        for step in range(1, distance):
            yield self._interpolate(later, self.frame_id + step, step / distance)

    def _interpolate(
        self, later: FinalFrame[_Masks], frame_id: int, fraction: float
    ) -> FinalFrame[_Masks]:
        here, there = set(self.track_ids), set(later.track_ids)
        parts: dict[int, _Masks] = {}  # one mask each
        for i in here | there:
            if i in here and i in there:
                parts[i] = self._pick(i).lerp(later._pick(i), fraction)
            elif i in here and fraction <= 0.5:
                parts[i] = self._pick(i)
            elif i in there and fraction >= 0.5:
                parts[i] = later._pick(i)
        track_ids = sorted(parts)
        masks = self.masks.select([])
        if parts:
            masks = type(masks).cat([parts[i] for i in track_ids])
        return FinalFrame(frame_id, track_ids, masks)

    def _pick(self, track_id: int) -> _Masks:
        return self.masks.select([self.track_ids.index(track_id)])
