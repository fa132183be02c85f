"""Packed masks of a video, beyond a limit on the disk."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

from mmvis import memory_limits
from mmvis.structures import PackedMask

__all__ = ['MaskSpool']


class MaskSpool:
    """Masks of tracks that will hardly be asked for.

    Memory: ``memory_limits.SPOOLED_BYTES``, and 24 bytes for each mask; what exceeds
    that goes to a temporary file without a name, which ends with the spool. Its space
    is not used again for other tracks.
    """

    def __init__(self) -> None:
        limit = memory_limits.SPOOLED_BYTES
        self._file = SpooledTemporaryFile(max_size=limit)  # noqa: SIM115, as the class
        self._size = 0
        # Track -> frame, place in the file and length of each mask, in turn.
        self._index: dict[int, array[int]] = {}

    def add(self, track_id: int, frame_id: int, mask: PackedMask) -> None:
        """Add the mask of a track in a frame."""
        content = mask.to_bytes()
        self._file.seek(self._size)
        self._file.write(content)
        entry = (frame_id, self._size, len(content))
        self._index.setdefault(track_id, array('q')).extend(entry)
        self._size += len(content)

    def masks_of(self, track_id: int) -> Iterator[tuple[int, PackedMask]]:
        """Yield the frames and masks of a track, in the order of :meth:`add`."""
        entries = self._index.get(track_id, array('q'))
        for frame_id, begin, length in zip(*(entries[i::3] for i in range(3))):
            self._file.seek(begin)
            yield frame_id, PackedMask.from_bytes(self._file.read(length))

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop tracks."""
        for track_id in track_ids:
            self._index.pop(track_id, None)
