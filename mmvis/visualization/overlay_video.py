"""Writing of overlay videos."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from mmengine.structures import InstanceData

from mmvis.atomic_file import atomic_file
from mmvis.visualization.draw_tracks import draw_tracks, enlargement
from mmvis.visualization.labels import LabelLayout
from mmvis.visualization.video_writer import VideoWriter

__all__ = ['OVERLAY_MIN_SIDE', 'write_overlay_video']

OVERLAY_MIN_SIDE = 360  # pixels; names can be read


def write_overlay_video(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    tracks: InstanceData,
    classes: Sequence[str],
    fps: float = 6.0,
    score_thr: float = 0.3,
    min_side: int = OVERLAY_MIN_SIDE,
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
        min_side (int): Smaller frames are enlarged by a whole factor until their
            shorter side has so many pixels. Defaults to 360.

    Raises:
        ValueError: If there is no frame, or if frames differ in size.
        OSError: If the video cannot be written.
    """
    with (
        atomic_file(path) as partial,
        VideoWriter(partial, name=Path(path).name) as video,
    ):
        layout = LabelLayout()
        for frame_id, frame in enumerate(frames):
            picture = draw_tracks(
                frame,
                tracks,
                frame_id,
                classes,
                score_thr,
                scale=enlargement(frame, min_side),
                layout=layout,
            )
            video.add(picture, frame_id / fps)
