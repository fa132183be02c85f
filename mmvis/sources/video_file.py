"""Video files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file
from mmvis.sources.container_check import check_container
from mmvis.sources.frame_source import Frame, FrameSource
from mmvis.sources.video_decoder import VideoDecoder, open_container
from mmvis.terminal import print_warning

__all__ = ['VideoFile', 'check_on_damage']

_ON_DAMAGE = ('warn', 'stop')


class VideoFile(FrameSource):
    """The frames of a video file, in any format that PyAV's FFmpeg reads.

    Frames are upright (rotation and mirroring of the container are applied), their
    times are those of the file, 10 bits become 8, alpha is dropped. The file is checked
    before the first frame is decoded.

    Args:
        path (str | os.PathLike): The file.
        on_damage (str): What to do where frames are missing or corrupted: 'warn'
            decodes what can be decoded and says how many frames are missing; 'stop'
            raises an error. Defaults to 'warn'.
        fps (float, optional): Frames per second, instead of the times of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If it cannot be read.
        ValueError: If it is not a video; with 'stop', if it is damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        on_damage: str = 'warn',
        fps: float | None = None,
    ) -> None:
        check_on_damage(on_damage)
        path = Path(path)
        check_is_file(path)
        if not path.is_file():
            raise FileNotFoundError(f'the video {path} does not exist.')
        with path.open('rb') as file:  # raises the message of the operating system
            if not file.read(1):
                raise UserValueError(f'{path} is empty. Expected is a video.')
        self.paths = (path,)
        self.name = path.stem
        self._on_damage = on_damage
        self._fps = fps
        self._check = check_container(path)
        self.fps = fps or self._check.fps
        self.num_frames = self._check.num_packets
        self._warned: set[str] = set()
        if self._check.fault is not None:
            missing = self._check.announced - self.num_frames
            number = (
                f'about {missing} of {self._check.announced}' if missing else 'some'
            )
            self._report(f'{self._check.fault}; {number} frames may be missing')

    def __iter__(self) -> Iterator[Frame]:
        """Decode the frames.

        Raises:
            ValueError: If no frame can be decoded; with 'stop', where one cannot.
        """
        (path,) = self.paths
        decoder = VideoDecoder(open_container(str(path), str(path)), str(path))
        for i, frame in enumerate(decoder):
            if self._on_damage == 'stop':
                self._report_decoding(decoder)
            if self._fps is not None:
                frame = frame._replace(time=i / self._fps)
            if decoder.resized is not None:
                self._report(f'{decoder.resized}; such frames are scaled to that')
            yield frame
        if decoder.num_frames == 0:
            raise UserValueError(
                f'{path} has no frame that can be decoded. Convert it to H.264 in mp4, '
                'or to a folder of images.'
            )
        self._report_decoding(decoder, is_finished=True)

    def _report_decoding(
        self, decoder: VideoDecoder, is_finished: bool = False
    ) -> None:
        """Report how many frames are missing or have errors."""
        parts = []
        total = max(self._check.announced, decoder.num_frames + decoder.num_errors)
        lacks_frames = is_finished and decoder.num_frames < self._check.num_packets
        if decoder.num_errors or lacks_frames:
            parts.append(
                f'{decoder.num_frames} of {total} frames could be decoded, '
                f'{total - decoder.num_frames} are missing'
            )
        if decoder.num_corrupt:
            parts.append(f'{decoder.num_corrupt} frames show errors')
        if parts:
            self._report('; '.join(parts))

    def _report(self, fault: str) -> None:
        """Warn or stop."""
        message = f'{self.paths[0]} is damaged: {fault}.'
        self.damage = fault
        if self._on_damage == 'stop':
            raise UserValueError(
                f"{message} Restore it, or pass on_damage='warn' to use the rest."
            )
        if message not in self._warned:  # a second pass finds the same
            self._warned.add(message)
            print_warning(message)


def check_on_damage(on_damage: str) -> None:
    """Check what to do with damaged videos.

    Raises:
        ValueError: If it is neither 'warn' nor 'stop'.
    """
    if on_damage not in _ON_DAMAGE:
        raise UserValueError(
            f"`on_damage` must be 'warn' or 'stop', got {on_damage!r}."
        )
