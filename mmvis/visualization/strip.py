"""Some frames of a video side by side in one picture."""

import os
from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.structures import InstanceData

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.visualization.draw_tracks import draw_tracks, enlargement

__all__ = ['draw_strip', 'write_image', 'write_strip']

_GAP = 6  # pixels between the frames


def draw_strip(
    frames: Sequence[np.ndarray],
    tracks: InstanceData,
    classes: Sequence[str],
    num_frames: int = 6,
    score_thr: float = 0.3,
    min_side: int = 240,
) -> np.ndarray:
    """Draw evenly spaced frames of a video, first and last included.

    Args:
        frames (Sequence[np.ndarray]): The frames of the video, each BGR, uint8, shape
            (H, W, 3); only the chosen ones are asked for.
        tracks (InstanceData): Record of the tracks, see :func:`draw_tracks`.
        classes (Sequence[str]): Category names in the order of the labels.
        num_frames (int): Frames in the strip, at most. Defaults to 6.
        score_thr (float): Tracks with a lower score are left out. Defaults to 0.3.
        min_side (int): Smaller frames are enlarged by a whole factor until their
            shorter side has so many pixels. Defaults to 240.

    Returns:
        np.ndarray: BGR, uint8, with the number of each frame in its corner.

    Raises:
        ValueError: If there is no frame, or ``num_frames`` is not positive.
    """
    if len(frames) == 0 or num_frames < 1:
        raise UserValueError(
            'a strip needs at least one frame, got '
            f'{len(frames)} and num_frames={num_frames}'
        )
    num_frames = min(num_frames, len(frames))
    chosen = np.linspace(0, len(frames) - 1, num_frames).round().astype(int).tolist()
    pictures = []
    for frame_id in chosen:
        frame = frames[frame_id]
        scale = enlargement(frame, min_side)
        picture = draw_tracks(frame, tracks, frame_id, classes, score_thr, scale=scale)
        _number(picture, frame_id)
        pictures.append(picture)
    gap = np.full((pictures[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=1)


def write_strip(
    path: str | os.PathLike,
    frames: Sequence[np.ndarray],
    tracks: InstanceData,
    classes: Sequence[str],
    num_frames: int = 6,
    score_thr: float = 0.3,
    min_side: int = 240,
) -> None:
    """Write the picture of :func:`draw_strip`, which see, to an image file."""
    picture = draw_strip(frames, tracks, classes, num_frames, score_thr, min_side)
    write_image(path, picture)


def write_image(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write an image as a whole or not at all.

    Args:
        path (str | os.PathLike): The file; its folder is made.
        picture (np.ndarray): BGR, uint8, shape (H, W, 3).

    Raises:
        OSError: If OpenCV cannot write it.
    """
    with atomic_file(path) as partial:
        if not cv2.imwrite(str(partial), picture):
            raise OSError(f'{path} cannot be written')


def _number(picture: np.ndarray, frame_id: int) -> None:
    """Write the frame's number into the lower left corner."""
    place = (6, picture.shape[0] - 8)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            picture,
            str(frame_id),
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            colour,
            thickness,
            cv2.LINE_AA,
        )
