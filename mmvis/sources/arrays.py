"""Frames in memory: arrays, tensors, PIL images, generators of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from mmvis.errors import UserTypeError, UserValueError
from mmvis.sources.frame_source import DEFAULT_FPS, Frame, FrameSource
from mmvis.sources.image_files import read_image

__all__ = ['ArrayFrames', 'GeneratedFrames', 'to_frame']

_EXPECTED = (
    'Expected is a frame as uint8 array of shape (H, W, 3) in BGR, a tensor of shape '
    '(3, H, W) in RGB, a PIL image, or the path of an image'
)


class ArrayFrames(FrameSource):
    """A sequence of frames in memory, see :func:`to_frame`.

    Args:
        frames (Sequence | np.ndarray | Tensor): The frames; T is the first axis.
        fps (float, optional): Frames per second. Defaults to None: 6.
    """

    def __init__(
        self, frames: Sequence | np.ndarray | Tensor, fps: float | None = None
    ) -> None:
        self._frames = frames
        self.fps = fps or DEFAULT_FPS
        self.num_frames = len(frames)

    def __iter__(self) -> Iterator[Frame]:
        for i in range(len(self._frames)):
            yield Frame(partial(self._load, i), i / self.fps, f'frame {i}')

    def _load(self, index: int) -> np.ndarray:
        return to_frame(self._frames[index], f'frame {index}')


class GeneratedFrames(FrameSource):
    """Frames of an iterator, which can be read once and may be endless.

    Args:
        frames (Iterable): Anything that :func:`to_frame` takes.
        fps (float, optional): Frames per second. Defaults to None: 6.
    """

    can_restart = False

    def __init__(self, frames: Iterable, fps: float | None = None) -> None:
        self._frames = frames
        self.fps = fps or DEFAULT_FPS

    def __iter__(self) -> Iterator[Frame]:
        for i, frame in enumerate(self._frames):
            label = f'frame {i}'
            yield Frame(partial(to_frame, frame, label), i / self.fps, label)


def to_frame(frame: Any, label: str = 'the frame') -> np.ndarray:
    """Convert a frame of any type to BGR, uint8, shape (H, W, 3).

    Args:
        frame (np.ndarray | Tensor | Image.Image | str | os.PathLike): An array of
            shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), colours as OpenCV has
            them (BGR); a tensor of shape (C, H, W), or (H, W, C) where that is the
            only reading, with C = 1, 3 or 4, colours as torchvision has them (RGB);
            a PIL image; or the path of an image file. Values are uint8, or floating
            in [0, 1]. A fourth channel (alpha) is dropped.
        label (str): Its name in messages. Defaults to 'the frame'.

    Returns:
        np.ndarray: The frame.

    Raises:
        TypeError: If it is none of these, or has another type of values.
        ValueError: If it has another shape, or floating values outside [0, 1].
    """
    if isinstance(frame, (str, os.PathLike)):
        return read_image(frame)
    if isinstance(frame, Image.Image):
        return _image_to_frame(frame, label)
    if isinstance(frame, Tensor):
        return _tensor_to_frame(frame, label)
    if not isinstance(frame, np.ndarray):
        raise UserTypeError(f'{label} is of type {type(frame).__name__}. {_EXPECTED}.')
    return _with_three_channels(_to_uint8(frame, label), label)


def _image_to_frame(image: Image.Image, label: str) -> np.ndarray:
    try:
        image = ImageOps.exif_transpose(image)
    except OSError as error:  # a file that is only read now
        raise UserValueError(f'{label} cannot be read: {error}.') from error
    if image.mode.startswith(('I', 'F')):  # PIL would cut its values off at 255
        return _with_three_channels(_to_uint8(np.asarray(image), label), label)
    array = np.asarray(image.convert('RGB'))
    return _with_three_channels(array[..., ::-1], label)


def _tensor_to_frame(frame: Tensor, label: str) -> np.ndarray:
    if frame.is_meta or frame.layout != torch.strided or frame.is_quantized:
        raise UserTypeError(
            f'{label} is a sparse or quantized tensor, or one without values (on the '
            f'device "meta"). {_EXPECTED}.'
        )
    frame = frame.detach()
    if frame.is_floating_point():
        frame = frame.float()
    array = _to_uint8(frame.cpu().numpy(), label)
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        array = array.transpose(1, 2, 0)  # (H, W, C)
    array = _with_three_channels(array, label)
    return np.ascontiguousarray(array[..., ::-1])


def _to_uint8(array: np.ndarray, label: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise UserTypeError(
            f'{label} has values of type {array.dtype}. {_EXPECTED}. Scale it to 0 to '
            '255 and convert it with .astype(numpy.uint8).'
        )
    if array.size and not (array.min() >= 0 and array.max() <= 1):  # not so for NaN
        raise UserValueError(
            f'{label} has floating values from {array.min():g} to {array.max():g}, '
            'which must be in [0, 1]. Undo its normalisation, or convert 0 to 255 to '
            'uint8.'
        )
    return np.rint(array * 255).astype(np.uint8)


def _with_three_channels(array: np.ndarray, label: str) -> np.ndarray:
    shape = array.shape
    if array.ndim == 3 and shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    is_image = array.ndim == 3 and array.shape[2] in (3, 4)
    if not is_image or 0 in shape:
        hint = ''
        if array.ndim == 3 and shape[0] in (3, 4):
            hint = ' Move the channels to the end: frame.transpose(1, 2, 0).'
        raise UserValueError(f'{label} has shape {shape}. {_EXPECTED}.{hint}')
    return np.ascontiguousarray(array[..., :3])
