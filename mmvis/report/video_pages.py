"""Videos of a report: frames as JPEG, tracks as outlines."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.evaluation.error_breakdown import VideoErrors
from mmvis.evaluation.object_rows import one_row_per_object
from mmvis.sources import FrameFiles

__all__ = ['FrameStyle', 'video_page']

_MAX_TRACKS = 20  # predicted tracks of a video that are listed
_OUTLINE_ERROR = 0.7  # pixels of the shown frame by which an outline may be off


@dataclass(frozen=True)
class FrameStyle:
    """Size of a report: about 25 kB a frame with the defaults.

    Args:
        max_side (int): Longer side of the frames in pixels. Defaults to 480.
        max_frames (int): Frames of a video, evenly spread. Defaults to 30.
        quality (int): Of the JPEG files, 1 to 100. Defaults to 70.

    Raises:
        UserValueError: If a value is out of its range.
    """

    max_side: int = 480
    max_frames: int = 30
    quality: int = 70

    def __post_init__(self) -> None:
        for name, low, high in (
            ('max_side', 32, 4096),
            ('max_frames', 1, 100_000),
            ('quality', 1, 100),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserValueError(
                    f'`{name}` must be in [{low}, {high}], got {value}.'
                )


def video_page(
    gt: Mapping,
    results: Sequence[Mapping],
    errors: VideoErrors,
    *,
    frame_root: Path,
    score_thr: float,
    style: FrameStyle,
) -> dict:
    """Collect what the page shows of one video.

    Args:
        gt (Mapping): The checked ground truth.
        results (Sequence[Mapping]): The checked results.
        errors (VideoErrors): Errors of the video's results.
        frame_root (Path): Folder that ``file_names`` are relative to.
        score_thr (float): Tracks with a lower score are left out.
        style (FrameStyle): Size and number of the frames.

    Returns:
        dict: Plain data: name, length, quality, size of the shown frames, ``frames``
        (id and JPEG as a data address) and ``tracks`` (category, score, kind of error,
        and per shown frame an SVG path or None).

    Raises:
        FileNotFoundError: If a frame is missing.
    """
    video = next(item for item in gt['videos'] if item['id'] == errors.video_id)
    frames = FrameFiles([str(frame_root / name) for name in video['file_names']])
    frame_inds = _spread(len(frames), style.max_frames)
    images = [_shrink(frames[t], style.max_side) for t in frame_inds]
    height, width = images[0].shape[:2]
    scale = np.array([width / video['width'], height / video['height']])
    tracks = _tracks(gt, results, errors, score_thr)
    return dict(
        name=str(Path(video['file_names'][0]).parent.name or errors.video_id),
        length=len(frames),
        quality=errors.quality,
        width=width,
        height=height,
        frames=[
            dict(id=t, image=_data_address(image, style.quality))
            for t, image in zip(frame_inds, images)
        ],
        tracks=[
            dict(track, paths=_paths(item, frame_inds, scale)) for item, track in tracks
        ],
    )


def _tracks(
    gt: Mapping, results: Sequence[Mapping], errors: VideoErrors, score_thr: float
) -> list[tuple[Mapping, dict]]:
    """Annotations, then the best results, each with what is said of it."""
    names = {item['id']: item['name'] for item in gt['categories']}
    tracks = []
    for item in gt['annotations']:
        if item['video_id'] == errors.video_id:
            kind = 'missed' if item['id'] in errors.missed else None
            category = names[item['category_id']]
            tracks.append((item, dict(is_gt=True, category=category, kind=kind)))
    shown = one_row_per_object(results, score_thr, errors.kinds)
    for index in shown[:_MAX_TRACKS]:
        item = results[index]
        track = dict(
            is_gt=False,
            category=names[item['category_id']],
            score=item['score'],
            kind=errors.kinds[index],
        )
        tracks.append((item, track))
    return tracks


def _spread(num_frames: int, max_frames: int) -> list[int]:
    """Frames of a video that are shown."""
    if num_frames <= max_frames:
        return list(range(num_frames))
    return np.linspace(0, num_frames - 1, max_frames).round().astype(int).tolist()


def _shrink(image: np.ndarray, max_side: int) -> np.ndarray:
    height, width = image.shape[:2]
    scale = min(max_side / max(height, width), 1)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _data_address(image: np.ndarray, quality: int) -> str:
    _, encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return f'data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}'


def _paths(
    track: Mapping, frame_inds: Sequence[int], scale: np.ndarray
) -> list[str | None]:
    masks = track['segmentations']
    return [masks[t] and _outline(masks[t], scale) for t in frame_inds]


def _outline(mask: Mapping, scale: np.ndarray) -> str | None:
    """Outlines of a mask, holes included, as an SVG path in shown pixels."""
    contours, _ = cv2.findContours(
        mask_utils.decode(mask), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    parts = []
    for contour in contours:
        points = ((contour + 0.5) * scale).astype(np.float32)
        points = cv2.approxPolyDP(points, _OUTLINE_ERROR, closed=True)[:, 0]
        if len(points) > 2:
            corners = ' '.join(f'{x:.1f} {y:.1f}' for x, y in points)
            parts.append(f'M{corners}Z')
    return ''.join(parts) or None
