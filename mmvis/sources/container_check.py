"""Check of video files before decoding."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mmvis.sources.video_decoder import (
    import_av,
    mean_fps,
    open_container,
    packets_of,
    video_stream,
)

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ['ContainerCheck', 'check_container']

# Formats that have neither a length nor frames of a stated size.
_BARE_FORMATS = ('gif', 'h264', 'hevc', 'm4v', 'mjpeg', 'mpegvideo', 'obu')

# GIFs pause on purpose, and FFmpeg itself writes program streams that jump.
_UNSTEADY_FORMATS = ('gif', 'mpeg')

_TS_PACKET_SIZES = (188, 192, 204)  # bytes: plain, with time codes, with parity


@dataclass(frozen=True)
class ContainerCheck:
    """Content of a video's container, and what its header states.

    Attributes:
        num_packets (int): Packets that should give a frame each.
        announced (int): Frames that there should be: at least ``num_packets``.
        fps (float): Mean number of frames per second.
        fault (str | None): Why the file is damaged; None where nothing was found.
    """

    num_packets: int
    announced: int
    fps: float
    fault: str | None


def check_container(path: Path) -> ContainerCheck:
    """Check the packets of a video file, in general without decoding them.

    Takes milliseconds for a minute of video. Compared are the number of packets, their
    times, the number of frames and the length that the header states, and what FFmpeg
    complains about. Frames of a format without any structure of its own (GIF, bare
    streams of a codec) are decoded, since that alone shows what is missing.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not a video.
    """
    av = import_av()
    # The threads of a decoder must not wait for Python to take a message: here none
    # run, and while frames are decoded messages are off.
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # the message of the video before counts, too
    try:
        with (
            av.logging.Capture() as messages,
            open_container(str(path), str(path)) as container,
        ):
            stream = video_stream(container, str(path))
            stream.thread_type = 'NONE'
            is_bare = container.format.name in _BARE_FORMATS
            packets = _read_packets(container, stream, decode=is_bare)
            fps = mean_fps(stream)
            if stream.frames:
                stated = stream.frames - packets.num_discarded
            else:
                stated = _frames_by_length(container.duration, packets, fps)
            format_name = container.format.name
    finally:
        av.logging.set_level(None)
    gaps = 0 if format_name in _UNSTEADY_FORMATS else packets.missing_by_times()
    faults = [
        packets.fault,
        *(f'{name}: {text.strip()}' for _, name, text in messages),
        _end_of_file_fault(path, format_name),
        'the file ends before the length that its header states'
        if stated > packets.number
        else None,
        'the times of its frames jump' if gaps else None,
    ]
    announced = max(stated, packets.number + gaps)
    fault = next((fault for fault in faults if fault is not None), None)
    return ContainerCheck(packets.number, announced, fps, fault)


@dataclass
class _Packets:
    """Summary of the packets of the video and of all other streams."""

    number: int = 0
    num_discarded: int = 0  # cut away by an edit list
    end: float = 0.0  # of all streams, seconds
    times: list[float] = field(default_factory=list)  # of the video's, seconds
    fault: str | None = None

    def missing_by_times(self) -> int:
        """Frames that are missing where the times of a steady video jump."""
        if len(self.times) < self.number + self.num_discarded:
            return 0  # some packets have no time
        steps = np.diff(np.unique(np.round(self.times, 6)))
        if len(steps) < 10:
            return 0
        step = np.median(steps)
        is_jump = steps > 1.5 * step
        is_steady = np.abs(steps[~is_jump] - step).max() < 0.02 * step + 1.1e-3
        if not is_steady or is_jump.mean() > 0.1:
            return 0  # a variable rate is nothing wrong
        return int(np.rint(steps[is_jump] / step - 1).sum())


def _read_packets(
    container: InputContainer, stream: VideoStream, decode: bool
) -> _Packets:
    found = _Packets()
    for packet in packets_of(container):
        if packet is None:
            found.fault = 'the container has errors'
            continue
        if packet.stream_index == stream.index and decode:
            _try_to_decode(packet, found)
        if packet.size == 0:  # ends a stream
            continue
        if packet.is_corrupt:
            found.fault = 'a packet is incomplete'
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is not None:
            end = (stamp + (packet.duration or 0)) * packet.time_base
            found.end = max(found.end, float(end))
        if packet.stream_index == stream.index:
            found.num_discarded += packet.is_discard
            found.number += not packet.is_discard and _is_shown(packet, stream)
            if packet.pts is not None:
                found.times.append(float(packet.pts * packet.time_base))
    return found


def _is_shown(packet: Packet, stream: VideoStream) -> bool:
    """Whether a packet gives a frame: VP8 has some that only help others.

    Its fifth bit tells (RFC 6386, Sec. 9.1).
    """
    return stream.codec_context.name != 'vp8' or bool(memoryview(packet)[0] & 0x10)


def _try_to_decode(packet: Packet, found: _Packets) -> None:
    try:
        packet.decode()  # complaints come as messages
    except import_av().error.FFmpegError:
        found.fault = 'a frame cannot be decoded'


def _frames_by_length(duration: int | None, packets: _Packets, fps: float) -> int:
    """Number of frames by the length that the header states, from 0, microseconds."""
    if duration is None or not packets.number:
        return 0
    missing = (duration / 1e6 - packets.end) * fps
    # Lengths are rounded, and sound may end a little after the video.
    return packets.number + (round(missing) if missing > 1.5 else 0)


def _end_of_file_fault(path: Path, format_name: str) -> str | None:
    """Faults of a file's end that FFmpeg does not notice."""
    size = os.path.getsize(path)
    with path.open('rb') as file:
        if format_name == 'mpegts' and all(size % n for n in _TS_PACKET_SIZES):
            return 'the file ends within a packet'
        if format_name == 'gif' and not _is_complete_gif(file):
            return 'the file is truncated'
    return None


def _is_complete_gif(file: BinaryIO) -> bool:
    """Whether the blocks of a GIF lead to its trailer (GIF89a specification)."""
    header = file.read(13)
    if len(header) < 13:
        return False
    _skip_colours(file, header[10])
    while introducer := file.read(1):
        if introducer == b'\x3b':
            return True
        if introducer == b'\x21':
            file.read(1)
        elif introducer == b'\x2c':
            descriptor = file.read(9)
            if len(descriptor) < 9:
                return False
            _skip_colours(file, descriptor[8])
            file.read(1)  # size of the first codes
        else:
            return False
        while length := file.read(1):
            if length == b'\0':
                break
            file.seek(length[0], os.SEEK_CUR)
    return False


def _skip_colours(file: BinaryIO, flags: int) -> None:
    """Skip a table of colours, where the flags say that there is one."""
    if flags & 0x80:
        file.seek(3 * 2 ** ((flags & 0x07) + 1), os.SEEK_CUR)
