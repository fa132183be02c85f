"""Image files as frames, in natural order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import overload

import mmcv
import numpy as np
from mmengine import fileio

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file, describe_content
from mmvis.sources.frame_source import DEFAULT_FPS, Frame, FrameSource

__all__ = [
    'IMAGE_SUFFIXES',
    'FrameFiles',
    'ImageSource',
    'is_image',
    'natural_key',
    'read_image',
]

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


def is_image(path: str | os.PathLike) -> bool:
    """Tell by its name whether a file is an image."""
    return os.fspath(path).lower().endswith(IMAGE_SUFFIXES)


def natural_key(path: str | os.PathLike) -> tuple:
    """Key that sorts 1, 2, 10 in this order instead of 1, 10, 2.

    Example:
        >>> sorted(['10.png', '2.png', '1.png'], key=natural_key)
        ['1.png', '2.png', '10.png']
    """
    text = os.fspath(path)
    # Odd parts are the digits, so that only like is compared with like.
    parts = re.split(r'([0-9]+)', text)
    numbers = tuple(int(p) if i % 2 else p for i, p in enumerate(parts))
    return numbers, text


def read_image(path: str | os.PathLike, backend_args: dict | None = None) -> np.ndarray:
    """Read an image file as BGR, uint8, shape (H, W, 3).

    Args:
        path (str | os.PathLike): Anything that mmengine's file backends read.
        backend_args (dict, optional): Arguments of the file backend.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a complete image.
    """
    check_is_file(path)
    content = fileio.get(os.fspath(path), backend_args=backend_args)
    image = mmcv.imfrombytes(content, flag='color') if content else None
    if image is None:
        raise UserValueError(
            f'{path} is not an image, or not a complete one.'
            f'{describe_content(content)} Expected are files of the kinds '
            f'{", ".join(IMAGE_SUFFIXES)}. Restore it or leave it out.'
        )
    return image


class FrameFiles(Sequence[np.ndarray]):
    """The image files of a video as a sequence of frames; none of them is kept.

    Args:
        img_paths (Sequence[str]): The files in the order of the frames, anything
            that mmengine's file backends read.
        backend_args (dict | None): Arguments of the file backend.
    """

    def __init__(
        self, img_paths: Sequence[str], backend_args: dict | None = None
    ) -> None:
        self.img_paths = list(img_paths)
        self.backend_args = backend_args

    def __len__(self) -> int:
        return len(self.img_paths)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> FrameFiles: ...

    def __getitem__(self, index: int | slice) -> np.ndarray | FrameFiles:
        """Load a frame, see :func:`read_image`, or choose some."""
        if isinstance(index, slice):
            return FrameFiles(self.img_paths[index], self.backend_args)
        return read_image(self.img_paths[index], self.backend_args)


class ImageSource(FrameSource):
    """Image files as a video.

    Args:
        paths (Sequence[str | os.PathLike]): The files in the order of the frames.
        name (str): Name of the video. Defaults to 'video'.
        fps (float, optional): Frames per second. Defaults to None: 6.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike],
        name: str = 'video',
        fps: float | None = None,
    ) -> None:
        self.paths = tuple(Path(path) for path in paths)
        self.name = name
        self.fps = fps or DEFAULT_FPS
        self.num_frames = len(self.paths)

    def __iter__(self) -> Iterator[Frame]:
        for i, path in enumerate(self.paths):
            yield Frame(partial(read_image, path), i / self.fps, f'frame {i} ({path})')
