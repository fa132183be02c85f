"""Result of one video."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util

from mmvis.errors import UserValueError
from mmvis.inference import FrameTracks
from mmvis.outputs.formats import DEFAULT_FORMATS, FORMATS, endings_of
from mmvis.outputs.frame_result import FrameResult
from mmvis.outputs.frame_writers import write_frames
from mmvis.outputs.output_files import OutputFiles
from mmvis.outputs.tables import TABLE_COLUMNS, table_rows
from mmvis.outputs.video_facts import VideoFacts
from mmvis.sources import FrameSource
from mmvis.structures import EncodedMask, EncodedMasks

if TYPE_CHECKING:
    import pandas
    import supervision

__all__ = ['Track', 'VideoResult', 'best_rows']


@dataclass(frozen=True)
class Track:
    """One object through the whole video.

    Attributes:
        id (int): Its id.
        label (int): Index of its best class.
        name (str): Name of this class.
        score (float): Probability of this class.
        rles (Sequence[dict | None]): Mask of every frame as compressed COCO RLE, None
            where it is not visible.
        boxes (Sequence[list[float] | None]): Box of every frame, xyxy in pixels.
    """

    id: int
    label: int
    name: str
    score: float
    rles: Sequence[dict | None]
    boxes: Sequence[list[float] | None]

    @property
    def frames(self) -> list[int]:
        """The frames in which it is visible."""
        return [t for t, rle in enumerate(self.rles) if rle is not None]

    def mask(self, frame: int) -> np.ndarray | None:
        """Its mask in a frame, bool, shape (H, W); None where it is not visible."""
        rle = self.rles[frame]
        return None if rle is None else mask_util.decode(rle).astype(bool)


class VideoResult:
    """All tracks of a video, one for each object, with its best class.

    ``len(result)`` is their number; iterating gives each as a :class:`Track`.

    Args:
        record (InstanceData): Record of the tracks, with one row for every track and
            class that a method found likely.
        ori_shape (tuple[int, int]): Height and width of the video, pixels.
        times (Sequence[float]): Seconds at which the frames are shown.
        classes (Sequence[str]): Category names in the order of the labels.
        cat_ids (Sequence[int]): Category id of each label, for exported files.
        source (FrameSource): Where the frames come from.
        damage (str | None): What was wrong with the source. Defaults to None.

    Attributes:
        pred_track_instances (InstanceData): The rows, one a track.
        video_len (int): Number of frames.
        ori_shape (tuple[int, int]): Height and width, pixels.
        video_id (int): 1, the id in exported files.
        name (str): Name of the video.
        files (dict[str, Path]): The files that were written, by format.
    """

    video_id = 1

    def __init__(
        self,
        record: InstanceData,
        *,
        ori_shape: tuple[int, int],
        times: Sequence[float],
        classes: Sequence[str],
        cat_ids: Sequence[int],
        source: FrameSource,
        damage: str | None = None,
    ) -> None:
        self.pred_track_instances = best_rows(record)
        self.ori_shape = ori_shape
        self.times = list(times)
        self.classes = classes
        self.cat_ids = cat_ids
        self.damage = damage
        self.name = source.name
        self.files: dict[str, Path] = {}
        self._source = source

    @property
    def video_len(self) -> int:
        """Number of frames."""
        return len(self.times)

    def __len__(self) -> int:
        return len(self.pred_track_instances)

    def __iter__(self) -> Iterator[Track]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> Track:
        if not -len(self) <= index < len(self):
            raise IndexError(f'there are {len(self)} tracks, got index {index}')
        rows = self.pred_track_instances
        label = int(rows.labels[index])
        return Track(
            id=int(rows.instances_id[index]),
            label=label,
            name=self.classes[label],
            score=float(rows.scores[index]),
            rles=rows.masks[index],
            boxes=rows.bboxes[index],
        )

    def __repr__(self) -> str:
        best = sorted(self, key=lambda track: -track.score)[:5]
        tracks = ', '.join(f'{track.name} {track.score:.2f}' for track in best)
        more = ', ...' if len(self) > 5 else ''
        return (
            f'VideoResult({self.name!r}: {self.video_len} frames, {len(self)} tracks: '
            f'{tracks}{more})'
        )

    def masks(self, frame: int) -> np.ndarray:
        """Masks of all N tracks in a frame, bool, shape (N, H, W)."""
        self._check_frame(frame)
        masks = np.zeros((len(self), *self.ori_shape), dtype=bool)
        for mask, track in zip(masks, self):
            if track.rles[frame] is not None:
                mask[:] = track.mask(frame)
        return masks

    def boxes(self, frame: int) -> np.ndarray:
        """Boxes of all N tracks in a frame, xyxy, shape (N, 4); NaN where invisible."""
        self._check_frame(frame)
        boxes = np.full((len(self), 4), np.nan)
        for box, track in zip(boxes, self):
            if track.boxes[frame] is not None:
                box[:] = track.boxes[frame]
        return boxes

    def frame(self, frame: int, image: np.ndarray | None = None) -> FrameResult:
        """The tracks that are visible in a frame.

        Args:
            frame (int): Index of the frame.
            image (np.ndarray, optional): The frame itself, if it is at hand: BGR,
                uint8, shape (H, W, 3). Defaults to None: read from the source.
        """
        self._check_frame(frame)

        def load() -> np.ndarray:
            return self._read(frame) if image is None else image

        return self._frame(frame, load)

    def plot(
        self, frame: int, image: np.ndarray | None = None, score_thr: float = 0.3
    ) -> np.ndarray:
        """Draw the tracks on a frame, see :meth:`FrameResult.plot`."""
        return self.frame(frame, image).above(score_thr).plot()

    def to_supervision(self, frame: int) -> supervision.Detections:
        """The visible tracks of a frame as ``supervision.Detections``."""
        return self.frame(frame).to_supervision()

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each track and frame, with the columns of the CSV format.

        Raises:
            ValueError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise UserValueError(
                f'pandas is not available ({error}). Install it: pip install pandas.'
            ) from error
        frames = map(self.frame, range(self.video_len))
        rows = [row for frame in frames for row in table_rows(frame)]
        return pandas.DataFrame(rows, columns=list(TABLE_COLUMNS))

    def frames(self) -> Iterator[FrameResult]:
        """Iterate over the video again: its frames with their visible tracks.

        Raises:
            ValueError: If the source can be read only once.
        """
        if not self._source.can_restart:
            raise UserValueError(
                f'The frames of {self.name} can be read only once. Pass out_dir to '
                'the inferencer, or draw with plot(frame, image).'
            )
        for frame_id, frame in zip(range(self.video_len), self._source):
            yield self._frame(frame_id, frame.load)

    def save(
        self,
        out_dir: str | os.PathLike,
        formats: Sequence[str] = DEFAULT_FORMATS,
        score_thr: float = 0.3,
    ) -> dict[str, Path]:
        """Write files, whose names are never those of existing files.

        Args:
            out_dir (str | os.PathLike): Their folder.
            formats (Sequence[str]): See :data:`mmvis.outputs.FORMATS`. Defaults to
                the record, the overlay video and a strip of frames.
            score_thr (float): Tracks with a lower score are left out, but for the
                record ('json') and 'ytvis', which have all. Defaults to 0.3.

        Returns:
            dict[str, Path]: The files and folders by format.

        Raises:
            OSError: If they cannot be written.
            ValueError: If a format is unknown, or needs frames that are not available.
        """
        endings = endings_of(formats, len(self.classes))
        files = OutputFiles(out_dir, self.name, endings)
        try:
            for _ in self.write(files.paths, score_thr):
                pass
        finally:
            files.release()
        return files.paths

    def write(
        self, paths: Mapping[str, Path], score_thr: float
    ) -> Iterator[FrameResult]:
        """Write files of known names while iterating over the frames once.

        Args:
            paths (Mapping[str, Path]): The files and folders by format.
            score_thr (float): See :meth:`save`.

        Yields:
            FrameResult: Each frame that was written.
        """
        if any(FORMATS[key].needs_images for key in paths):
            frames = self.frames()
        else:
            frames = map(self.frame, range(self.video_len))
        facts = VideoFacts(
            self.name, self.classes, self.cat_ids, self._source.paths, self
        )
        yield from write_frames(frames, paths, facts, score_thr)
        self.files.update(paths)

    def _frame(self, frame_id: int, load: Callable[[], np.ndarray]) -> FrameResult:
        rows = self.pred_track_instances
        visible = [n for n, rles in enumerate(rows.masks) if rles[frame_id] is not None]
        encoded = [
            EncodedMask(rows.masks[n][frame_id]['counts'], rows.bboxes[n][frame_id])
            for n in visible
        ]
        tracks = FrameTracks(
            frame_id,
            rows.instances_id[visible].tolist(),
            rows.labels[visible],
            rows.scores[visible],
            EncodedMasks(encoded),
            self.ori_shape,
        )
        return FrameResult(tracks, self.times[frame_id], load, self.classes)

    def _read(self, frame_id: int) -> np.ndarray:
        """Read one frame from the source, which starts from its beginning."""
        for frame in islice(self.frames(), frame_id, None):
            return frame.image
        raise UserValueError(f'{self.name}: frame {frame_id} is not available.')

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < self.video_len:
            raise IndexError(
                f'{self.name} has frames 0 to {self.video_len - 1}, got {frame}'
            )


def best_rows(record: InstanceData) -> InstanceData:
    """Keep of each track the row of its best class; of equal ones the first.

    Args:
        record (InstanceData): See :meth:`mmvis.inference.VideoStream.record`.

    Returns:
        InstanceData: One row for each track, in the order of their ids.
    """
    order = record.scores.argsort(descending=True, stable=True).tolist()
    best: dict[int, int] = {}
    for row in order:
        best.setdefault(int(record.instances_id[row]), row)
    return record[torch.tensor([best[i] for i in sorted(best)], dtype=torch.long)]
