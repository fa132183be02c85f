"""Writing of output files, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from mmvis.interrupts import hold_interrupts
from mmvis.outputs.annotation_files import write_coco, write_record, write_ytvis
from mmvis.outputs.frame_result import FrameResult
from mmvis.outputs.mask_images import write_id_images, write_mots, write_mots_images
from mmvis.outputs.overlays import write_overlay, write_tracks_strip
from mmvis.outputs.tables import write_csv, write_json_lines
from mmvis.outputs.video_facts import VideoFacts

__all__ = ['WRITERS', 'write_frames']

#: Format -> context manager that takes the path and the facts of the video and gives a
#: function that takes each frame; leaving it finishes the file, leaving it with an
#: exception leaves none.
WRITERS: dict[str, Callable] = {
    'json': write_record,
    'video': write_overlay,
    'strip': write_tracks_strip,
    'masks': write_id_images,
    'csv': write_csv,
    'jsonl': write_json_lines,
    'coco': write_coco,
    'ytvis': write_ytvis,
    'mots': write_mots,
    'mots_png': write_mots_images,
}


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
    with ExitStack() as holding, ExitStack() as files:
        writers = [
            files.enter_context(WRITERS[key](path, facts))
            for key, path in paths.items()
        ]
        try:
            for frame in frames:
                shown = frame.above(score_thr) if writers else frame
                with hold_interrupts():  # a video that lacks a packet is damaged
                    for write in writers:
                        write(shown)
                yield frame
        except (GeneratorExit, KeyboardInterrupt) as interruption:
            stop = interruption
        holding.enter_context(hold_interrupts())  # until the files are complete
    if isinstance(stop, KeyboardInterrupt):
        raise stop
