"""Output formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from mmvis.errors import UserTypeError, UserValueError
from mmvis.outputs.annotation_files import write_coco, write_record, write_ytvis
from mmvis.outputs.frame_result import FrameResult
from mmvis.outputs.mask_images import write_id_images, write_mots, write_mots_images
from mmvis.outputs.overlays import write_overlay, write_tracks_strip
from mmvis.outputs.tables import write_csv, write_json_lines
from mmvis.outputs.video_facts import VideoFacts

__all__ = ['DEFAULT_FORMATS', 'FORMATS', 'VideoFacts', 'endings_of', 'write_frames']

# MOTS images hold class id * 1000 + number in 16 bits.
_MAX_MOTS_CLASSES = 64


class Format(NamedTuple):
    """One format of output files.

    Attributes:
        ending (str): What follows the name of the video; '/' makes a folder.
        write (Callable): A context manager that takes the path and the facts of the
            video and gives a function that takes each frame; leaving it finishes the
            file, leaving it with an exception leaves none.
        needs_images (bool): Whether frames are drawn.
        needs_record (bool): Whether the whole video must be known.
    """

    ending: str
    write: Callable
    needs_images: bool = False
    needs_record: bool = False


FORMATS: dict[str, Format] = {
    'json': Format('.json', write_record, needs_record=True),
    'video': Format('.mp4', write_overlay, needs_images=True),
    'strip': Format('.png', write_tracks_strip, needs_images=True),
    'masks': Format('_masks/', write_id_images),
    'csv': Format('.csv', write_csv),
    'jsonl': Format('.jsonl', write_json_lines),
    'coco': Format('_coco.json', write_coco, needs_record=True),
    'ytvis': Format('_results.json', write_ytvis, needs_record=True),
    'mots': Format('_mots.txt', write_mots, needs_record=True),
    'mots_png': Format('_mots/', write_mots_images, needs_record=True),
}

DEFAULT_FORMATS = ('json', 'video', 'strip')


def endings_of(formats: Sequence[str], num_classes: int) -> dict[str, str]:
    """Check formats and give the endings of their files.

    Args:
        formats (Sequence[str]): Keys of :data:`FORMATS`.
        num_classes (int): Number of categories.

    Raises:
        TypeError: If they are not a list.
        ValueError: If one is unknown, or cannot hold so many categories.
    """
    formats = [formats] if isinstance(formats, str) else formats
    if not isinstance(formats, (list, tuple, set)):
        raise UserTypeError(
            f'`formats` must be a list of formats, got {formats!r:.60}. Known formats '
            f'are: {", ".join(FORMATS)}.'
        )
    for key in formats:
        if key not in FORMATS:
            raise UserValueError(
                f'`formats` has {key!r}. Known formats are: {", ".join(FORMATS)}.'
            )
    if 'mots_png' in formats and num_classes > _MAX_MOTS_CLASSES:
        raise UserValueError(
            f'`formats` has mots_png, whose 16 bits hold {_MAX_MOTS_CLASSES} classes, '
            f"but the model has {num_classes}. Use 'mots', the text file."
        )
    return {key: FORMATS[key].ending for key in formats}


def write_frames(
    frames: Iterable[FrameResult],
    paths: Mapping[str, Path],
    facts: VideoFacts,
    score_thr: float,
) -> Iterator[FrameResult]:
    """Write files while frames are processed.

    Files are complete as soon as the frames end, the generator is closed, or it is
    interrupted with Ctrl-C: they have all frames up to then. After an error there are
    no files, except json lines and folders of images.

    Args:
        frames (Iterable[FrameResult]): Frames in order.
        paths (Mapping[str, Path]): The files and folders by format.
        facts (VideoFacts): Metadata of the video for the files.
        score_thr (float): Tracks with a lower score are left out.

    Yields:
        FrameResult: Each frame, with all of its tracks.
    """
    stop: BaseException | None = None
    with ExitStack() as files:
        writers = [
            files.enter_context(FORMATS[key].write(path, facts))
            for key, path in paths.items()
        ]
        try:
            for frame in frames:
                shown = frame.above(score_thr) if writers else frame
                for write in writers:
                    write(shown)
                yield frame
        except (GeneratorExit, KeyboardInterrupt) as interruption:
            stop = interruption
    if isinstance(stop, KeyboardInterrupt):
        raise stop
