"""Output files in the json formats of data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.evaluation import tracks_to_results
from mmvis.outputs.frame_result import FrameResult
from mmvis.outputs.video_facts import VideoFacts
from mmvis.structures import write_video_record

__all__ = ['write_coco', 'write_record', 'write_ytvis']


@contextmanager
def write_record(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write all tracks with their masks and boxes, see :func:`write_video_record`."""
    yield _ignore
    write_video_record(facts.finished_result, path, facts.classes)


@contextmanager
def write_ytvis(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write all tracks as YouTube-VIS ``results.json``."""
    yield _ignore
    result = facts.finished_result
    tracks = result.pred_track_instances
    entries = tracks_to_results(result.video_id, tracks, facts.cat_ids)
    _write_json(path, entries)


@contextmanager
def write_coco(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write a CocoVID file: COCO's with videos, frame ids and instance ids."""
    result = facts.finished_result
    height, width = result.ori_shape
    size = dict(height=height, width=width)
    images: list[dict] = []
    annotations: list[dict] = []

    def add(frame: FrameResult) -> None:
        image_id = frame.frame_id + 1
        images.append(
            dict(
                id=image_id,
                video_id=result.video_id,
                frame_id=frame.frame_id,
                file_name=_file_name(facts, frame.frame_id, result.video_len),
                **size,
            )
        )
        for track in frame:
            x1, y1, x2, y2 = track.box
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    video_id=result.video_id,
                    category_id=facts.cat_ids[track.label],
                    instance_id=track.id,
                    bbox=[x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
                    area=track.area,
                    segmentation=track.rle,
                    iscrowd=0,
                    score=track.score,
                )
            )

    yield add
    video = dict(id=result.video_id, name=facts.name, length=len(images), **size)
    names = zip(facts.cat_ids, facts.classes)
    categories = [dict(id=cat_id, name=name) for cat_id, name in names]
    content = dict(
        videos=[video], images=images, annotations=annotations, categories=categories
    )
    _write_json(path, content)


def _ignore(frame: FrameResult) -> None:
    """Ignore the frames: the record has everything."""


def _file_name(facts: VideoFacts, frame_id: int, video_len: int) -> str:
    """Path of a frame's file; of a video, where its frames would be written."""
    if len(facts.paths) == video_len:
        return str(facts.paths[frame_id])
    return f'{facts.name}/{frame_id:06d}.jpg'


def _write_json(path: Path, content: list | dict) -> None:
    with atomic_file(path) as partial, partial.open('w', encoding='utf-8') as file:
        # File names may have bytes that are no UTF-8; json holds them as escapes.
        json.dump(content, file, allow_nan=False)
