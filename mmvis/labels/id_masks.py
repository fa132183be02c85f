"""Images whose pixels are ids, for DAVIS and MOTS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file
from mmvis.labels.faults import Faults

__all__ = ['make_video', 'paint_ids', 'read_ids']


def make_video(video_id: int, height: int, width: int, file_names: list[str]) -> dict:
    """Fields of a video."""
    return dict(
        id=video_id,
        height=height,
        width=width,
        length=len(file_names),
        file_names=file_names,
    )


def read_ids(path: Path, faults: Faults) -> np.ndarray | None:
    """Ids of the pixels, shape (H, W); None, and a fault, if they cannot be read."""
    try:
        check_is_file(path)
        with Image.open(path) as image:
            if image.mode not in ('P', 'L', '1', 'I', 'I;16'):
                faults.add(
                    'image',
                    f'{path} has colours ({image.mode}), expected ids: an image with a '
                    'palette, or of one channel.',
                )
                return None
            return np.asarray(image).astype(np.int64)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        faults.add('image', f'{path} cannot be read: {error}')
        return None


def paint_ids(video: dict, tracks: list[dict], t: int) -> np.ndarray:
    """Ids 1, 2, ... of the tracks in frame t, uint8, shape (H, W)."""
    ids = np.zeros((video['height'], video['width']), dtype=np.uint8)
    for value, track in enumerate(tracks, start=1):
        rle = track['segmentations'][t]
        if rle is None:
            continue
        mask = mask_utils.decode(rle).astype(bool)
        if ids[mask].any():
            raise UserValueError(
                f'Video {video["id"]}, frame {t}: annotation {track["id"]} overlaps '
                'another, and a pixel has one id. Choose a json format.'
            )
        ids[mask] = value
    return ids
