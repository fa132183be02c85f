"""Frames of a video that are loaded when they are needed."""

from collections.abc import Sequence

import mmcv
import numpy as np
from mmengine import fileio

from mmvis.errors import UserValueError

__all__ = ['FrameFiles', 'enlargement']


class FrameFiles(Sequence):
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

    def __getitem__(self, index: int) -> np.ndarray:
        """Load a frame: BGR, uint8, shape (H, W, 3).

        Raises:
            ValueError: If the file is not an image.
        """
        path = self.img_paths[index]
        content = fileio.get(path, backend_args=self.backend_args)
        image = mmcv.imfrombytes(content, flag='color')
        if image is None:
            raise UserValueError(f'{path} is not an image that OpenCV can read')
        return image


def enlargement(image: np.ndarray, shorter_side: int) -> int:
    """Smallest whole factor that makes an image (H, W, 3) at least so many pixels."""
    return max(1, -(-shorter_side // min(image.shape[:2])))
