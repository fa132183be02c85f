"""Result of one frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util

from mmvis.errors import UserValueError
from mmvis.inference import FrameTracks
from mmvis.visualization import LabelLayout, draw_tracks

if TYPE_CHECKING:
    import supervision

__all__ = ['FrameResult', 'TrackInFrame']


@dataclass(frozen=True)
class TrackInFrame:
    """One object in one frame.

    Attributes:
        id (int): Of the track, the same in all frames.
        label (int): Index of its best class.
        name (str): Name of this class.
        score (float): Probability of this class, of the whole track.
        box (list[float]): xyxy in pixels of the video.
        rle (dict): Mask as compressed COCO RLE: ``size`` (h, w) and ``counts`` (str).
    """

    id: int
    label: int
    name: str
    score: float
    box: list[float]
    rle: dict

    @property
    def mask(self) -> np.ndarray:
        """Decoded mask, bool, shape (H, W)."""
        return mask_util.decode(self.rle).astype(bool)

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return int(mask_util.area(self.rle))


class FrameResult:
    """The objects of one frame, each with its best class; iterable.

    Nothing is scaled, encoded or decoded before it is asked for.

    Args:
        tracks (FrameTracks): Tracks of the frame.
        time (float): Seconds since the first frame.
        load (Callable): Gives the image: BGR, uint8, shape (H, W, 3).
        classes (Sequence[str]): Category names in the order of the labels.

    Attributes:
        frame_id (int): Index of the frame in its video.
        time (float): Seconds since the first frame.
        classes (Sequence[str]): Category names.

    Example:
        >>> for frame in inferencer.stream('dog.mp4'):
        ...     for track in frame:
        ...         print(frame.time, track.id, track.name, track.score, track.box)
    """

    def __init__(
        self,
        tracks: FrameTracks,
        time: float,
        load: Callable[[], np.ndarray],
        classes: Sequence[str],
    ) -> None:
        self.frame_id = tracks.frame_id
        self.time = time
        self.classes = classes
        self._all_tracks = tracks
        self._load = load

    def __len__(self) -> int:
        return len(self._tracks)

    def __iter__(self) -> Iterator[TrackInFrame]:
        return iter(self._tracks)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame, pixels."""
        return self._all_tracks.size

    @cached_property
    def image(self) -> np.ndarray:
        """The frame itself: BGR, uint8, shape (H, W, 3)."""
        return self._load()

    @property
    def ids(self) -> np.ndarray:
        """Ids of the n tracks, int, shape (n,)."""
        return np.array([track.id for track in self], dtype=int)

    @property
    def labels(self) -> np.ndarray:
        """Indices of their best classes, int, shape (n,)."""
        return np.array([track.label for track in self], dtype=int)

    @property
    def scores(self) -> np.ndarray:
        """Their scores so far, float, shape (n,)."""
        return np.array([track.score for track in self], dtype=float)

    @property
    def boxes(self) -> np.ndarray:
        """Their boxes, xyxy in pixels, float, shape (n, 4)."""
        return np.array([track.box for track in self], dtype=float).reshape(-1, 4)

    @property
    def masks(self) -> np.ndarray:
        """Their masks, bool, shape (n, H, W)."""
        masks = np.zeros((len(self), *self.size), dtype=bool)
        for mask, track in zip(masks, self):
            mask[:] = track.mask
        return masks

    def above(self, score_thr: float) -> FrameResult:
        """The same frame without the tracks of a lower score."""
        picked = self._all_tracks.above(score_thr)
        return FrameResult(picked, self.time, lambda: self.image, self.classes)

    def as_record(self) -> InstanceData:
        """The tracks as a record of one frame, as :func:`draw_tracks` takes it."""
        return InstanceData(
            labels=self.labels,
            scores=self.scores,
            instances_id=self.ids,
            masks=[[track.rle] for track in self],
        )

    def plot(self, scale: int = 1, layout: LabelLayout | None = None) -> np.ndarray:
        """Draw the tracks on the frame.

        Args:
            scale (int): Whole factor by which the image is enlarged. Defaults to 1.
            layout (LabelLayout, optional): One for all frames of a video, so that
                labels do not jump. Defaults to None: this frame alone.

        Returns:
            np.ndarray: BGR, uint8, shape (H * scale, W * scale, 3).
        """
        return draw_tracks(
            self.image,
            self.as_record(),
            0,
            self.classes,
            score_thr=0,
            scale=scale,
            layout=layout,
        )

    def to_supervision(self) -> supervision.Detections:
        """The tracks as ``supervision.Detections``, for its annotators and tools.

        Raises:
            ValueError: If supervision is not installed.
        """
        sv = _import_supervision()
        return sv.Detections(
            xyxy=self.boxes,
            mask=self.masks,
            confidence=self.scores,
            class_id=self.labels,
            tracker_id=self.ids,
            data={'class_name': np.array([track.name for track in self], dtype=str)},
        )

    @cached_property
    def _tracks(self) -> list[TrackInFrame]:
        """Tracks with foreground."""
        tracks = self._all_tracks
        rows = zip(
            tracks.track_ids,
            tracks.labels.tolist(),
            tracks.scores.tolist(),
            tracks.encoded,
        )
        return [
            TrackInFrame(
                id_,
                label,
                self.classes[label],
                score,
                mask.bbox,
                dict(size=list(self.size), counts=_as_text(mask.counts)),
            )
            for id_, label, score, mask in rows
            if mask is not None
        ]


def _as_text(counts: str | bytes) -> str:
    """Counts of an RLE as str, which json can hold and pycocotools takes."""
    return counts.decode('ascii') if isinstance(counts, bytes) else counts


def _import_supervision() -> Any:
    try:
        import supervision
    except ImportError as error:
        raise UserValueError(
            f'supervision is not available ({error}). Install it: pip install '
            'supervision.'
        ) from error
    return supervision
