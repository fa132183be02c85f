"""Opening of sources from paths, numbers, arrays, lists or generators."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from mmvis.errors import UserTypeError, UserValueError
from mmvis.sources.arrays import ArrayFrames, GeneratedFrames
from mmvis.sources.frame_source import FrameSource, check_fps
from mmvis.sources.image_files import (
    IMAGE_SUFFIXES,
    ImageSource,
    is_image,
    natural_key,
)
from mmvis.sources.live import VideoURL, Webcam, is_url
from mmvis.sources.video_file import VideoFile, check_on_damage

__all__ = ['VIDEO_SUFFIXES', 'open_sources']

VIDEO_SUFFIXES = (
    *('.3gp', '.avi', '.flv', '.gif', '.m2ts', '.m4v', '.mjpeg', '.mkv', '.mov'),
    *('.mp4', '.mpeg', '.mpg', '.mts', '.mxf', '.ogv', '.ts', '.webm', '.wmv'),
)

_EXPECTED = (
    'Expected is a video file, a folder or glob of frames or of videos, a list of '
    'their paths, an http(s) or rtsp URL, the number of a webcam, an array '
    '(T, H, W, 3), a tensor (T, 3, H, W), or a list or generator of frames (arrays, '
    'tensors, PIL images)'
)


def open_sources(
    inputs: Any, fps: float | None = None, on_damage: str = 'warn'
) -> FrameSource | list[FrameSource]:
    """Open the sources of an input.

    Args:
        inputs (Any): One video: a video file, a folder of frames (numbers in names
            count as numbers: 2 comes before 10) or a glob of them, a list of paths of
            frames, a URL, the index of a webcam, an array of shape (T, H, W, 3), a
            tensor of shape (T, 3, H, W), a list or generator of anything that
            :func:`mmvis.sources.to_frame` takes. Or several: a folder or glob of
            videos, a folder of folders of frames, a list of videos or folders.
        fps (float, optional): Frames per second, instead of those of the source.
        on_damage (str): See :class:`VideoFile`. Defaults to 'warn'.

    Returns:
        FrameSource | list[FrameSource]: One source; a list where ``inputs`` stands
        for several videos, however many there are.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        TypeError: If ``inputs`` is none of these.
        ValueError: If there are no frames.
    """
    check_on_damage(on_damage)
    return _Opener(check_fps(fps), on_damage).open(inputs)


def open_source(
    inputs: Any, fps: float | None = None, on_damage: str = 'warn'
) -> FrameSource:
    """Open one video, see :func:`open_sources`.

    Raises:
        ValueError: If there are several, or see there.
    """
    source = open_sources(inputs, fps, on_damage)
    if not isinstance(source, FrameSource):
        raise UserValueError(
            f'`inputs` are {len(source)} videos, expected one. Give each by itself; '
            'only inferencer(...) takes several.'
        )
    return source


class _Opener:
    """Opens anything, with the options of all sources."""

    def __init__(self, fps: float | None, on_damage: str) -> None:
        self._fps = fps
        self._on_damage = on_damage

    def open(self, inputs: Any) -> FrameSource | list[FrameSource]:
        if isinstance(inputs, FrameSource):
            return inputs
        if isinstance(inputs, (str, os.PathLike)):
            return self._open_path(os.fspath(inputs))
        if isinstance(inputs, (int, np.integer)) and not isinstance(inputs, bool):
            return Webcam(int(inputs), self._fps)
        if isinstance(inputs, Image.Image):
            return ArrayFrames([inputs], self._fps)
        if isinstance(inputs, (np.ndarray, Tensor)):
            return self._open_array(inputs)
        if isinstance(inputs, (bytes, bytearray, dict, set)):
            raise _unknown(inputs)
        if hasattr(inputs, '__len__') and hasattr(inputs, '__getitem__'):
            return self._open_sequence(inputs)
        if isinstance(inputs, Iterable):
            return GeneratedFrames(inputs, self._fps)
        raise _unknown(inputs)

    def _open_path(self, text: str) -> FrameSource | list[FrameSource]:
        if not text:
            raise UserValueError(f'`inputs` is an empty text. {_EXPECTED}.')
        if is_url(text):
            return VideoURL(text, self._fps)
        path = Path(text)
        camera = re.fullmatch(r'(?:/dev/video)?([0-9]{1,3})', text)
        if camera and not path.is_file() and not path.is_dir():
            return Webcam(int(camera[1]), self._fps)
        if path.is_dir():
            return self._open_folder(path)
        if path.is_file() or not glob.has_magic(text):
            return self._open_file(path)
        paths = sorted(map(Path, glob.glob(text, recursive=True)), key=natural_key)
        if not paths:
            raise FileNotFoundError(f'no file matches {text}.')
        return self._open_paths(paths, _common_name(paths))

    def _open_file(self, path: Path) -> FrameSource:
        if is_image(path) and path.is_file():
            return ImageSource([path], path.stem, self._fps)
        return VideoFile(path, self._on_damage, self._fps)

    def _open_folder(self, folder: Path) -> FrameSource | list[FrameSource]:
        paths = sorted(_visible(folder), key=natural_key)
        if any(map(is_image, paths)):
            return self._open_frames(folder)
        videos = [path for path in paths if _is_video(path)]
        if videos:
            return [self._open_file(path) for path in videos]
        folders = [path for path in paths if path.is_dir()]
        folders = [path for path in folders if any(map(is_image, _visible(path)))]
        if not folders:
            raise UserValueError(
                f'{folder} has no frames. Expected are files that end with '
                f'{", ".join(IMAGE_SUFFIXES)}, or videos.'
            )
        return [self._open_frames(path) for path in folders]

    def _open_frames(self, folder: Path) -> ImageSource:
        """Open a folder of images as one video."""
        paths = sorted(_visible(folder), key=natural_key)
        images = [path for path in paths if is_image(path)]
        videos = [path for path in paths if _is_video(path)]
        if videos:
            raise UserValueError(
                f'{folder} has frames ({images[0].name}, ...) as well as videos '
                f'({videos[0].name}, ...). Choose with a glob, e.g. '
                f"'{folder / '*'}{images[0].suffix}'."
            )
        return ImageSource(images, folder.resolve().name, self._fps)

    def _open_array(self, array: np.ndarray | Tensor) -> FrameSource:
        is_frame = array.ndim == 3 and 0 not in array.shape
        if is_frame and (array.shape[-1] in (3, 4) or array.shape[0] in (3, 4)):
            array = array[None]
        if array.ndim != 4 or 0 in array.shape:
            raise UserValueError(
                f'`inputs` is an array of shape {tuple(array.shape)}. {_EXPECTED}.'
            )
        return ArrayFrames(array, self._fps)

    def _open_sequence(self, inputs: Sequence) -> FrameSource | list[FrameSource]:
        if len(inputs) == 0:
            raise UserValueError(f'`inputs` has no frames. {_EXPECTED}.')
        kinds = {type(item) for item in inputs} if type(inputs) is list else set()
        if all(issubclass(kind, (str, os.PathLike)) for kind in kinds) and kinds:
            return self._open_paths([Path(path) for path in inputs], 'video')
        return ArrayFrames(inputs, self._fps)

    def _open_paths(
        self, paths: list[Path], name: str
    ) -> FrameSource | list[FrameSource]:
        """Frames of one video, or several videos."""
        are_images = [is_image(path) for path in paths]
        if all(are_images):
            return ImageSource(paths, name, self._fps)
        if any(are_images):
            image, other = (paths[are_images.index(x)] for x in (True, False))
            raise UserValueError(
                f'`inputs` has frames ({image}) as well as videos ({other}). Pass the '
                'frames of one video, or videos.'
            )
        sources: list[FrameSource] = []
        for path in paths:
            opened = self._open_path(str(path))
            sources += opened if isinstance(opened, list) else [opened]
        return sources


def _unknown(inputs: Any) -> UserTypeError:
    return UserTypeError(f'`inputs` is of type {type(inputs).__name__}. {_EXPECTED}.')


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _visible(folder: Path) -> Iterator[Path]:
    """Entries of a folder but for hidden ones, e.g. ``._1.jpg`` of macOS."""
    return (path for path in folder.iterdir() if not path.name.startswith('.'))


def _common_name(paths: list[Path]) -> str:
    """Name of the folder that all of the files lie in, else 'video'."""
    folders = {path.resolve().parent for path in paths}
    return folders.pop().name if len(folders) == 1 else 'video'
