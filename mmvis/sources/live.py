"""Live sources: network streams and cameras."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import cv2
import numpy as np

from mmvis.errors import UserValueError
from mmvis.sources.frame_source import DEFAULT_FPS, Frame, FrameSource
from mmvis.sources.video_decoder import VideoDecoder, import_av, open_container
from mmvis.terminal import print_warning

__all__ = ['URL_SCHEMES', 'VideoURL', 'Webcam', 'is_url']

URL_SCHEMES = ('http', 'https', 'rtsp', 'rtsps', 'rtmp', 'udp', 'tcp', 'srt')

_TIMEOUT = 20.0  # seconds without any data


def is_url(text: str) -> bool:
    """Whether a text is an address with any scheme."""
    return re.match(r'[a-zA-Z][a-zA-Z0-9+.-]*://', text) is not None


class VideoURL(FrameSource):
    """The frames of a video on the network, as they arrive.

    Damaged frames are decoded as far as possible; their number is said at the end.

    Args:
        url (str): An address with one of the schemes in ``URL_SCHEMES``. A user name
            and password in it are never shown.
        fps (float, optional): Frames per second, instead of the times of the stream.

    Raises:
        ValueError: If the scheme is another one.
    """

    can_restart = False

    def __init__(self, url: str, fps: float | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme.lower() not in URL_SCHEMES:
            raise UserValueError(
                f'{_without_password(url)} has the scheme {parts.scheme!r}. Expected '
                f'is one of {", ".join(URL_SCHEMES)}. Name a local file by its path.'
            )
        self._url = url
        self._fps = fps
        self._label = _without_password(url)
        self.fps = fps or DEFAULT_FPS
        last_part = parts.path.rstrip('/').rpartition('/')[2]
        self.name = last_part.rpartition('.')[0] or last_part or parts.hostname or 'url'

    def __iter__(self) -> Iterator[Frame]:
        """Open the stream and iterate over its frames once.

        If the connection is lost, the video ends with a warning.

        Raises:
            ValueError: If there is no answer, or no video.
        """
        options = {'rtsp_transport': 'tcp'} if self._url.startswith('rtsp') else {}
        container = open_container(
            self._url, self._label, container_options=options, timeout=_TIMEOUT
        )
        decoder = VideoDecoder(container, self._label)
        self.fps = self._fps or decoder.fps
        lost = None
        try:
            for i, frame in enumerate(decoder):
                yield frame if self._fps is None else frame._replace(time=i / self._fps)
        except import_av().error.FFmpegError as error:
            lost = error.strerror  # the frames before it are kept
        if decoder.num_frames == 0:
            raise UserValueError(f'{self._label} has no frame that can be decoded.')
        if lost is not None:
            print_warning(
                f'{self._label}: the connection was lost after {decoder.num_frames} '
                f'frames: {lost}.'
            )
        if decoder.num_errors or decoder.num_corrupt:
            print_warning(
                f'{self._label} was damaged: {decoder.num_frames} frames were decoded, '
                f'{decoder.num_corrupt} of them show errors, {decoder.num_errors} '
                'packets are missing.'
            )


class Webcam(FrameSource):
    """The frames of a camera, as they arrive.

    Args:
        index (int): Number of the camera, from 0.
        fps (float, optional): Frames per second, instead of the times of arrival.

    Raises:
        ValueError: If there is no such camera.
    """

    can_restart = False

    def __init__(self, index: int, fps: float | None = None) -> None:
        self.name = f'webcam{index}'
        self._fps = fps
        reader = _open_camera(index) if 0 <= index < 1 << 31 else None
        if reader is None or not reader.isOpened():
            raise UserValueError(
                f'There is no webcam {index} that can be opened. Cameras are numbered '
                'from 0; check that no other program uses it.'
            )
        self._reader = reader
        self.fps = fps or reader.get(cv2.CAP_PROP_FPS) or DEFAULT_FPS

    def __iter__(self) -> Iterator[Frame]:
        start: float | None = None
        i = 0
        try:
            while True:
                is_read, image = self._reader.read()
                if not is_read:
                    return
                now = time.monotonic()
                start = now if start is None else start
                seconds = now - start if self._fps is None else i / self._fps
                yield Frame(partial(np.asarray, image), seconds, f'frame {i}')
                i += 1
        finally:
            self._reader.release()


def _open_camera(index: int) -> cv2.VideoCapture:
    """Open a camera; where it fails, OpenCV's own lines would hide the message."""
    level = cv2.setLogLevel(0)
    try:
        return cv2.VideoCapture(index)
    finally:
        cv2.setLogLevel(level)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition('@')[2]
    return urlunsplit((parts.scheme, host, parts.path, '', ''))
