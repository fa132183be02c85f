"""Output formats of tables: CSV and json lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.outputs.frame_result import FrameResult
from mmvis.outputs.video_facts import VideoFacts

__all__ = ['TABLE_COLUMNS', 'table_rows', 'write_csv', 'write_json_lines']

TABLE_COLUMNS = (
    *('frame', 'time', 'track_id', 'class', 'score', 'x1', 'y1', 'x2', 'y2', 'area'),
)


def table_rows(frame: FrameResult) -> list[tuple]:
    """One row for each track of a frame, with the values of ``TABLE_COLUMNS``."""
    place = (frame.frame_id, round(frame.time, 6))
    return [
        (*place, track.id, track.name, track.score, *track.box, track.area)
        for track in frame
    ]


@contextmanager
def write_csv(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write a table with a row for each track and frame: ids, score, box, area."""
    with (
        atomic_file(path) as partial,
        partial.open('w', newline='', encoding='utf-8') as file,
    ):
        table = csv.writer(file)
        table.writerow(TABLE_COLUMNS)
        yield lambda frame: table.writerows(table_rows(frame))


@contextmanager
def write_json_lines(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write a line of json for each frame immediately, for programs that follow it."""
    with path.open('w', encoding='utf-8') as file:

        def add(frame: FrameResult) -> None:
            file.write(json.dumps(_as_json(frame), allow_nan=False) + '\n')
            file.flush()

        yield add


def _as_json(frame: FrameResult) -> dict:
    tracks = [
        {
            'id': track.id,
            'class': track.name,
            'score': track.score,
            'bbox': track.box,
            'area': track.area,
            'segmentation': track.rle,
        }
        for track in frame
    ]
    return {'frame': frame.frame_id, 'time': round(frame.time, 6), 'tracks': tracks}
