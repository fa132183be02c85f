"""Writing of one ShapesVIS video: JPEG frames and annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask as mask_api
from PIL import Image

from .contours import CATEGORIES
from .random_stream import RandomStream
from .render import render_video
from .scene import plan_scene

#: An object of which fewer pixels are visible counts as hidden.
MIN_VISIBLE_PIXELS = 6
_JPEG_OPTIONS: dict[str, Any] = dict(format='JPEG', quality=92, subsampling='4:2:0')


@dataclass(frozen=True)
class VideoJob:
    """What determines one video.

    Args:
        folder (Path): The split's ``JPEGImages`` folder.
        index (int): 0-based index of the video in its split.
        key (tuple[int, ...]): Key of the video's random stream.
        video_len (int): Number of frames.
        height (int): Height in pixels.
        width (int): Width in pixels.
    """

    folder: Path
    index: int
    key: tuple[int, ...]
    video_len: int
    height: int
    width: int


def write_video(job: VideoJob) -> tuple[dict, list[dict]]:
    """Render a video, write its frames and describe it.

    Args:
        job (VideoJob): The video.

    Returns:
        tuple[dict, list[dict]]: The video's record for the json, and the records of
        the objects that are seen in at least one frame, without an ``id``.
    """
    unit = min(job.height, job.width)
    stream = RandomStream(*job.key)
    scene = plan_scene(stream, job.video_len, job.width / unit, job.height / unit)
    name = f'{job.index:05d}'
    (job.folder / name).mkdir(parents=True)
    tracks: list[list[dict | None]] = [[] for _ in scene.objects]
    frames = render_video(scene, stream, job.video_len, job.height, job.width)
    file_names = []
    for frame_id, (frame, masks) in enumerate(frames):
        file_names.append(f'{name}/{frame_id:05d}.jpg')
        Image.fromarray(frame).save(job.folder / file_names[-1], **_JPEG_OPTIONS)
        for track, mask in zip(tracks, masks):
            track.append(_shape_record(mask))

    size = dict(height=job.height, width=job.width, length=job.video_len)
    video_id = job.index + 1
    video = dict(id=video_id, file_names=file_names, **size)
    annotations = []
    for item, track in zip(scene.objects, tracks):
        if any(record is not None for record in track):
            category_id = CATEGORIES.index(item.looks.category) + 1
            annotation: dict[str, Any] = dict(
                video_id=video_id, category_id=category_id, iscrowd=0
            )
            for field in ('segmentations', 'bboxes', 'areas'):
                annotation[field] = [
                    None if record is None else record[field] for record in track
                ]
            annotations.append(annotation | size)
    return video, annotations


def _shape_record(mask: np.ndarray) -> dict | None:
    """RLE, box (x, y, w, h) and area of a mask (H, W); None where it is hidden."""
    area = int(np.count_nonzero(mask))
    if area < MIN_VISIBLE_PIXELS:
        return None
    rle = mask_api.encode(np.asfortranarray(mask.view(np.uint8)))
    rows = np.flatnonzero(mask.any(axis=1)).tolist()
    cols = np.flatnonzero(mask.any(axis=0)).tolist()
    box = [cols[0], rows[0], cols[-1] - cols[0] + 1, rows[-1] - rows[0] + 1]
    segmentation = dict(size=list(mask.shape), counts=rle['counts'].decode())
    return dict(segmentations=segmentation, bboxes=box, areas=area)
