"""A video with the tracks drawn over it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.structures import InstanceData

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.visualization.draw_tracks import draw_tracks, enlargement

__all__ = ['write_overlay_video']

#: MPEG-4 part 2 is what every OpenCV can write, and fast.
_CODECS = ('mp4v', 'vp09')


def write_overlay_video(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    tracks: InstanceData,
    classes: Sequence[str],
    fps: float = 6.0,
    score_thr: float = 0.3,
    codecs: Sequence[str] = _CODECS,
    min_side: int = 360,
) -> None:
    """Write an ``.mp4``, frame by frame: memory does not depend on its length.

    Args:
        path (str | os.PathLike): The file; its folder is made.
        frames (Iterable[np.ndarray]): All frames of the video, in order, each BGR,
            uint8, shape (H, W, 3).
        tracks (InstanceData): Record of the tracks, see :func:`draw_tracks`.
        classes (Sequence[str]): Category names in the order of the labels.
        fps (float): Frames per second. Defaults to 6, that of YouTube-VIS.
        score_thr (float): Tracks with a lower score are left out. Defaults to 0.3.
        codecs (Sequence[str]): Four-letter codes, of which the first that this
            OpenCV has is taken. Defaults to MPEG-4 part 2, which players play, then
            VP9; the latter, ``('vp09',)``, is what browsers and editors want, and
            takes fifty times as long.
        min_side (int): Smaller frames are enlarged by a whole factor until their
            shorter side has so many pixels. Defaults to 360.

    Raises:
        ValueError: If there is no frame, or if frames differ in size.
        OSError: If the video cannot be written, or does not read back.
    """
    pictures = (
        draw_tracks(
            frame,
            tracks,
            frame_id,
            classes,
            score_thr,
            scale=enlargement(frame, min_side),
        )
        for frame_id, frame in enumerate(frames)
    )
    with atomic_file(path) as partial:
        num_frames = _write(partial, pictures, fps, codecs, name=Path(path).name)
        _check(partial, num_frames)


def _write(
    path: Path,
    pictures: Iterable[np.ndarray],
    fps: float,
    codecs: Sequence[str],
    name: str,
) -> int:
    """Write pictures of one size, give their number; errors call the video ``name``."""
    writer, size, num_frames = None, None, 0
    try:
        for frame_id, picture in enumerate(pictures):
            if writer is None:
                size = picture.shape
                writer = _open(path, picture, fps, codecs)
            elif picture.shape != size:
                raise UserValueError(
                    f'frame {frame_id} of {name} is {picture.shape[:2]} (h, w), '
                    f'the first one is {size[:2]}'
                )
            writer.write(_even(picture))
            num_frames += 1
    finally:
        if writer is not None:
            writer.release()
    if writer is None:
        raise UserValueError(f'there is no frame to write to {name}')
    return num_frames


def _even(picture: np.ndarray) -> np.ndarray:
    """Repeat the last row or column where a side is odd: codecs want even ones."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return picture
    return cv2.copyMakeBorder(
        picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
    )


def _open(
    path: Path, picture: np.ndarray, fps: float, codecs: Sequence[str]
) -> cv2.VideoWriter:
    height, width = _even(picture).shape[:2]
    for codec in codecs:
        fourcc = cv2.VideoWriter_fourcc(*codec)
        writer = cv2.VideoWriter(str(path), fourcc, fps, (width, height))
        if writer.isOpened():
            return writer
        writer.release()
    raise OSError(
        f'{path.parent} cannot be written to, or this OpenCV has none of the video '
        f'codecs {", ".join(codecs)}'
    )


def _check(path: Path, num_frames: int) -> None:
    """OpenCV reports no error while it writes, so look at the result."""
    reader = cv2.VideoCapture(str(path))
    found = int(reader.get(cv2.CAP_PROP_FRAME_COUNT))
    readable, _ = reader.read()
    reader.release()
    if not readable or found != num_frames:
        raise OSError(
            f'the video in {path.parent} has {found} readable frames instead of '
            f'{num_frames}; is the disk full?'
        )
