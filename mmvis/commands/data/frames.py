"""Split videos into frames, as labels and data sets have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from mmvis.atomic_file import atomic_file, check_empty_folder
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError
from mmvis.terminal import printable

if TYPE_CHECKING:
    from mmvis.sources import FrameSource

__all__ = ['main', 'split_into_frames']

EXAMPLES = """examples:
  one video, to data/own/JPEGImages/dog/000000.jpg, ...:
    mmvis data frames dog.mp4 data/own/JPEGImages
  all videos of a folder, each into a folder of its own:
    mmvis data frames videos data/own/JPEGImages
"""


def main(args: Sequence[str] | None = None) -> None:
    """Split videos into frames.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('video', help='video file, or folder or glob of them, or a URL')
    parser.add_argument('out', metavar='DIR', type=Path, help='gets a folder per video')
    parser.add_argument(
        '--quality', type=int, default=95, help='of the JPEG files (default: 95)'
    )
    options = parser.parse_args(args)

    from mmvis.sources import open_sources

    with user_errors():
        if not 1 <= options.quality <= 100:
            raise UserValueError(
                f'--quality must be in [1, 100], got {options.quality}.'
            )
        sources = open_sources(options.video)
        for source in sources if isinstance(sources, list) else [sources]:
            folder = options.out / source.name
            number = split_into_frames(source, folder, options.quality)
            print(printable(f'{folder}: {number} frames'))


def split_into_frames(source: FrameSource, folder: Path, quality: int = 95) -> int:
    """Write the frames of a video as JPEG files 000000.jpg, 000001.jpg, ...

    Args:
        source (FrameSource): The video.
        folder (Path): Must be empty or new, so that frames of two videos do not mix.
        quality (int): Of the JPEG files, 1 to 100. Defaults to 95.

    Returns:
        int: How many frames were written.

    Raises:
        UserValueError: If there are files in the folder, or a frame cannot be read.
    """
    check_empty_folder(folder)
    number = 0
    for number, frame in enumerate(source, start=1):
        ok, content = cv2.imencode(
            '.jpg', frame.load(), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        if not ok:
            raise UserValueError(f'{frame.label} cannot be written as JPEG.')
        with atomic_file(folder / f'{number - 1:06d}.jpg') as partial:
            partial.write_bytes(content.tobytes())
    return number
