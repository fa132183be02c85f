"""Decoder of videos, tolerant of errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mmvis.errors import UserValueError
from mmvis.file_kind import describe_content
from mmvis.sources.frame_source import DEFAULT_FPS, Frame

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ['VideoDecoder', 'import_av', 'open_container', 'packets_of', 'video_stream']

# Decoding stops after this many errors of the demuxer without a packet.
_MAX_ERRORS_IN_A_ROW = 100

# Texts, and formats that open other files or play no video of their own.
_REFUSED_FORMATS = ('tty', 'hls', 'dash', 'concat', 'sdp', 'ffmetadata', 'lavfi')


def import_av() -> Any:
    """PyAV, which reads and writes videos.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        raise UserValueError(
            f'Videos are read and written by PyAV, which is not available ({error}). '
            "Install it: pip install 'mmvis[video]' or pip install av. Folders of "
            'images work without it.'
        ) from error
    # Messages of FFmpeg are counted, see `check_container`, and not printed.
    logging.getLogger('libav').addHandler(logging.NullHandler())
    return av


def open_container(path: str, name: str, **options: Any) -> InputContainer:
    """Open a video for reading.

    Args:
        path (str): A file or URL.
        name (str): Its name in messages.
        **options: Further arguments of ``av.open``.

    Raises:
        ValueError: If it cannot be read as a video.
    """
    av = import_av()
    try:
        container = av.open(path, metadata_errors='replace', **options)
    except av.error.FFmpegError as error:
        kind = ''
        if Path(path).is_file():
            with Path(path).open('rb') as file:
                kind = describe_content(file.read(256))
        raise UserValueError(
            f'{name} cannot be read as a video ({error.strerror}).{kind} Check that it '
            'is there and complete, or convert it to H.264 in mp4 or to images.'
        ) from None  # it names the address with its password
    if container.format.name in _REFUSED_FORMATS:
        container.close()
        raise UserValueError(
            f'{name} is not a video but a text or a playlist '
            f'({container.format.long_name}). Name the video itself.'
        )
    return container


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Find the video stream of a container, ignoring cover images of music.

    Raises:
        ValueError: If there is none.
    """
    av = import_av()
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if not streams or streams[0].codec_context is None:
        found = ', '.join(sorted({s.type for s in container.streams})) or 'nothing'
        raise UserValueError(
            f'{name} has no video that can be decoded; it holds: {found}. Name a video '
            'file, or convert it to H.264 in mp4.'
        )
    return streams[0]


def packets_of(
    container: InputContainer, stream: VideoStream | None = None
) -> Iterator[Packet | None]:
    """Packets of a container; None for each error of the container.

    Args:
        container (InputContainer): The container, at its beginning.
        stream (VideoStream, optional): Only packets of this one. Defaults to None: all.
    """
    av = import_av()
    errors_in_a_row = 0
    streams = () if stream is None else (stream,)
    packets = container.demux(*streams)
    while errors_in_a_row < _MAX_ERRORS_IN_A_ROW:
        try:
            packet = next(packets)
        except (StopIteration, EOFError):
            return
        except av.error.InvalidDataError:
            errors_in_a_row += 1
            packets = container.demux(*streams)
            yield None
            continue
        errors_in_a_row = 0
        yield packet


class VideoDecoder:
    """Iterate over the frames of a video once, tolerating and counting errors.

    Frames whose time is missing or does not rise follow the one before at the mean
    rate. Frames of another size than the first one are scaled to it.

    Args:
        container (InputContainer): An open container, at its beginning.
        name (str): Name of the video in messages.

    Attributes:
        num_frames (int): Frames decoded so far.
        num_corrupt (int): Those of them that the decoder had to patch.
        num_errors (int): Packets that could not be decoded, and errors of the file.
        resized (str | None): Says which frame was the first of another size.
    """

    def __init__(self, container: InputContainer, name: str) -> None:
        av = import_av()
        self._container = container
        self._stream = video_stream(container, name)
        self._stream.thread_type = 'AUTO'
        # Frames with concealed errors shall come, too, flagged as corrupt.
        self._stream.codec_context.flags |= av.codec.context.Flags.output_corrupt
        self._name = name
        self._error = av.error.FFmpegError
        self.fps = mean_fps(self._stream)
        self.num_frames = 0
        self.num_corrupt = 0
        self.num_errors = 0
        self.resized: str | None = None
        self._size: tuple[int, int] | None = None  # height, width
        self._rotation: int | None = None
        self._matrix: np.ndarray | None = None
        self._start: float | None = None
        self._time = 0.0

    def __iter__(self) -> Iterator[Frame]:
        try:
            for packet in packets_of(self._container, self._stream):
                if packet is None:
                    self.num_errors += 1
                    continue
                yield from map(self._frame, self._decode(packet))
        except self._error:  # of the network or the disk
            yield from map(self._frame, self._decode(None))
            raise
        finally:
            self._container.close()

    def _decode(self, packet: Packet | None) -> list[VideoFrame]:
        """Frames that a packet completes; None: those that are still inside."""
        try:
            return self._stream.decode(packet)
        except self._error:
            self.num_errors += 1
            return []

    def _frame(self, frame: VideoFrame) -> Frame:
        label = f'frame {self.num_frames} of {self._name}'
        if frame.rotation != self._rotation:
            self._rotation, self._matrix = frame.rotation, _display_matrix(frame)
        turns = _is_transposed(self._matrix)
        size = (frame.width, frame.height) if turns else (frame.height, frame.width)
        if self._size is None:
            self._size = size
        elif size != self._size and self.resized is None:
            self.resized = (
                f'{label} is {size[1]}x{size[0]} pixels, but the video began with '
                f'{self._size[1]}x{self._size[0]}'
            )
        time = self._time_of(frame)
        self.num_frames += 1
        self.num_corrupt += frame.is_corrupt
        return Frame(partial(_to_bgr, frame, self._matrix, self._size), time, label)

    def _time_of(self, frame: VideoFrame) -> float:
        """Seconds since the first frame."""
        if frame.time is not None and self._start is None:
            self._start = frame.time
        known = None if frame.time is None else frame.time - self._start
        if self.num_frames and (known is None or known <= self._time):
            known = self._time + 1 / self.fps
        self._time = known or 0.0
        return self._time


def mean_fps(stream: VideoStream) -> float:
    """Mean number of frames per second, as the container or the codec states it."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate:
            return float(rate)
    return DEFAULT_FPS


def _display_matrix(frame: VideoFrame) -> np.ndarray | None:
    """How the picture is to be turned and mirrored: (x, y) @ matrix, 2 x 2.

    Not to be asked for every frame: PyAV's side data and its frame hold each other, so
    that memory would wait for Python's collector.
    """
    side_data: Any = frame.side_data  # PyAV states the wrong type
    if 'DISPLAYMATRIX' not in side_data:
        return None
    matrix = np.frombuffer(bytes(side_data['DISPLAYMATRIX']), dtype=np.int32)
    matrix = matrix.reshape(3, 3)
    return np.sign(np.rint(matrix[:2, :2] / 65536)).astype(int)


def _is_transposed(matrix: np.ndarray | None) -> bool:
    return matrix is not None and bool(matrix[0, 1]) and bool(matrix[1, 0])


def _to_bgr(
    frame: VideoFrame, matrix: np.ndarray | None, size: tuple[int, int]
) -> np.ndarray:
    """Convert a frame to BGR, uint8, upright, of one size; alpha is dropped."""
    image: np.ndarray = frame.to_ndarray(format='bgr24')
    if matrix is not None:
        if _is_transposed(matrix):
            image, matrix = image.swapaxes(0, 1), matrix[::-1]
        image = image[:: matrix[1, 1] or 1, :: matrix[0, 0] or 1]
    if image.shape[:2] != size:
        image = cv2.resize(np.ascontiguousarray(image), size[::-1])
    return np.ascontiguousarray(image)
