"""Output formats without overlap: images of ids, and MOTS."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as mask_util

from mmvis.atomic_file import atomic_file
from mmvis.outputs.frame_result import FrameResult, TrackInFrame
from mmvis.outputs.video_facts import VideoFacts
from mmvis.terminal import print_warning

__all__ = ['davis_palette', 'write_id_images', 'write_mots', 'write_mots_images']

_MAX_IDS = 255  # of 8 bits, 0 is the background
_MAX_MOTS_NUMBER = 999  # of one class


def davis_palette() -> np.ndarray:
    """Colours of the values 0 to 255 as in DAVIS and PASCAL VOC: uint8, (256, 3), RGB.

    Bits of a value go to red, green and blue in turn, the lowest to the highest place.
    """
    values = np.arange(256)
    palette = np.zeros((256, 3), dtype=np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = values >> (3 * place + channel) & 1
            palette[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return palette


@contextmanager
def write_id_images(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write a PNG with DAVIS' palette for each frame, and the track of each value.

    Tracks get the values 1, 2, ... in the order of their appearance; ``tracks.json``
    has the track of each value. Where masks overlap the higher score is on top. There
    are 255 values: later tracks are left out, with a warning.
    """
    numbers = _Numbers(_MAX_IDS, f'{path} holds {_MAX_IDS} tracks')
    palette = davis_palette().tobytes()
    tracks: dict[int, dict] = {}

    def add(frame: FrameResult) -> None:
        ids = np.zeros(frame.size, dtype=np.uint8)
        values = {track.id: numbers.of(track.id) for track in frame}
        for track in _lowest_first(frame):
            value = values[track.id]
            if value is not None:
                ids[track.mask] = value
                tracks[value] = {
                    'track_id': track.id,
                    'class': track.name,
                    'score': track.score,
                }
        image = Image.fromarray(ids)
        image.putpalette(palette)
        content = io.BytesIO()
        image.save(content, 'PNG')
        _write_bytes(path / f'{frame.frame_id:05d}.png', content.getvalue())

    try:
        yield add
    finally:
        # The images stay after an error, so that they need their key.
        text = json.dumps(tracks, indent=2, sort_keys=True)
        _write_bytes(path / 'tracks.json', text.encode())


@contextmanager
def write_mots(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write MOTS' text file: frame, id, class id, height, width, RLE.

    Frames count from 0, class ids from 1 in the order of the labels, ids are
    class id * 1000 + number, as in KITTI MOTS; masks do not overlap.
    """
    with atomic_file(path) as partial, partial.open('w', encoding='ascii') as file:
        mots_id = _mots_ids(path, facts)

        def add(frame: FrameResult) -> None:
            height, width = frame.size
            for value, class_id, mask in _separate(frame, mots_id):
                counts = mask_util.encode(np.asfortranarray(mask))['counts'].decode()
                file.write(
                    f'{frame.frame_id} {value} {class_id} {height} {width} {counts}\n'
                )

        yield add


@contextmanager
def write_mots_images(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write MOTS' images: a PNG of 16 bits for each frame, ids as in the text file."""
    mots_id = _mots_ids(path, facts)

    def add(frame: FrameResult) -> None:
        ids = np.zeros(frame.size, dtype=np.uint16)
        for value, _, mask in _separate(frame, mots_id):
            ids[mask.astype(bool)] = value
        content = cv2.imencode('.png', ids)[1].tobytes()
        _write_bytes(path / f'{frame.frame_id:06d}.png', content)

    yield add


def _mots_ids(path: Path, facts: VideoFacts) -> Callable:
    """A function from a track to its class id and id in MOTS, None beyond 999."""
    numbers: dict[int, _Numbers] = {}
    limit = f'{path} holds {_MAX_MOTS_NUMBER} tracks of one class'

    def mots_id(track: TrackInFrame) -> tuple[int, int] | None:
        class_id = track.label + 1
        of_class = numbers.setdefault(class_id, _Numbers(_MAX_MOTS_NUMBER, limit))
        number = of_class.of(track.id)
        return None if number is None else (class_id, 1000 * class_id + number)

    return mots_id


def _separate(
    frame: FrameResult, mots_id: Callable
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Id, class id and mask (uint8) of each track, without overlap."""
    free = np.ones(frame.size, dtype=bool)
    ids = {track.id: mots_id(track) for track in frame}
    for track in reversed(_lowest_first(frame)):
        mask = track.mask & free
        free &= ~mask
        if ids[track.id] is not None and mask.any():
            class_id, value = ids[track.id]
            yield value, class_id, mask.astype(np.uint8)


def _lowest_first(frame: FrameResult) -> list[TrackInFrame]:
    """Tracks as they are painted; of equal scores the older one is on top."""
    return sorted(frame, key=lambda track: (track.score, -track.id))


class _Numbers:
    """Numbers from 1 on, for tracks in the order of their appearance."""

    def __init__(self, largest: int, limit: str) -> None:
        self._largest = largest
        self._limit = limit
        self._numbers: dict[int, int] = {}
        self._has_warned = False

    def of(self, track_id: int) -> int | None:
        """Number of a track; None where there is none left."""
        if track_id in self._numbers:
            return self._numbers[track_id]
        if len(self._numbers) < self._largest:
            self._numbers[track_id] = len(self._numbers) + 1
            return self._numbers[track_id]
        if not self._has_warned:
            self._has_warned = True
            print_warning(f'{self._limit}; those that appear later are left out.')
        return None


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic_file(path) as partial:
        partial.write_bytes(content)
