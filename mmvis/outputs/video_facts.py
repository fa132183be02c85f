"""Metadata of a video for output files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmvis.outputs.video_result import VideoResult

__all__ = ['VideoFacts']


@dataclass(frozen=True)
class VideoFacts:
    """Metadata of one video.

    Args:
        name (str): Its name.
        classes (Sequence[str]): Category names in the order of the labels.
        cat_ids (Sequence[int]): Category id of each label.
        paths (Sequence[Path]): The files that its frames come from.
        result (VideoResult | None): All of its tracks; None before the video ends.
    """

    name: str
    classes: Sequence[str]
    cat_ids: Sequence[int]
    paths: Sequence[Path] = ()
    result: VideoResult | None = None

    @property
    def finished_result(self) -> VideoResult:
        """All of its tracks, for formats that need the whole video.

        Raises:
            ValueError: If the video has not ended.
        """
        if self.result is None:
            raise ValueError(f'{self.name} has not ended; this format needs all of it')
        return self.result
