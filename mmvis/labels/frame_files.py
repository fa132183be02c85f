"""Files and sizes of labelled frames."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from mmvis.file_kind import check_is_file
from mmvis.labels.faults import Faults

__all__ = ['FrameFiles', 'natural_key']

_IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


def natural_key(path: Path) -> list:
    """Sort key in which frame 2 comes before frame 10."""
    parts = re.split(r'(\d+)', path.as_posix())
    return [int(part) if part.isdigit() else part for part in parts]


class FrameFiles:
    """Finds the frames of videos in a folder, or says how they would be called.

    Args:
        root (Path | None): Folder with a folder of images for each video. None if
            there is none: then names are VIDEO/FRAME.jpg and nothing is checked.
        faults (Faults): Where frames that are missing or of another size are noted.
    """

    def __init__(self, root: Path | None, faults: Faults) -> None:
        self.root = root
        self.faults = faults

    def list(self, video: str) -> list[str]:
        """Frames of a video in natural order, relative to the folder; [] if none."""
        if self.root is None:
            return []
        files = [
            path
            for path in (self.root / video).glob('*')
            if path.suffix.lower() in _IMAGES
        ]
        ordered = sorted(files, key=natural_key)
        return [path.relative_to(self.root).as_posix() for path in ordered]

    def find(self, video: str, stem: str) -> str:
        """Name of a frame by the name of its label, without endings."""
        name = f'{video}/{stem}.jpg'
        if self.root is None:
            return name
        files = {Path(frame).stem: frame for frame in self.list(video)}
        if stem not in files:
            self.faults.add(
                video, f'there is no frame {stem} in {self.root / video}, expected one.'
            )
        return files.get(stem, name)

    def size(self, name: str) -> tuple[int, int] | None:
        """Height and width of a frame; None, and a fault, if it cannot be read."""
        if self.root is None:
            return None
        try:
            check_is_file(self.root / name)
            with Image.open(self.root / name) as image:
                return image.height, image.width
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            self.faults.add('frame', f'{self.root / name} cannot be read: {error}')
            return None

    def check_size(self, name: str, height: int, width: int) -> None:
        """Note a fault if a frame cannot be read or has another size."""
        size = self.size(name)
        if size is not None and size != (height, width):
            self.faults.add(
                'size',
                f'{name} has {size[0]} x {size[1]} pixels, its labels {height} x '
                f'{width}. Label the frames that the model is to see.',
            )
