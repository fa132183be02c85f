"""The tracks of one video as plain data, on disk and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import torch
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData

from mmvis.atomic_file import atomic_file

__all__ = ['read_video_record', 'write_video_record']


def write_video_record(
    sample: TrackDataSample, path: str | Path, classes: Sequence[str] | None = None
) -> None:
    """Write the predicted tracks of one video as json, whole or not at all.

    The file holds ``video_id``, ``video_len``, ``ori_shape`` (height, width), one
    entry of ``tracks`` per prediction (``instance_id``, ``label``, ``score``, and
    ``category`` if ``classes`` are given), ``bboxes``: for each instance id its box of
    every frame, [x1, y1, x2, y2] in pixels of the video, and ``masks``: for each the
    compressed RLE of every frame. Both are None where it is absent; boxes are those
    of :meth:`mmvis.inference.track_recorder.TrackRecorder.record`.

    Args:
        sample (TrackDataSample): Has ``pred_track_instances`` and the metainfo of
            its video, as a model's ``predict`` returns it at a video's end.
        path (str | Path): The file.
        classes (Sequence[str], optional): Name of each label.
    """
    tracks = sample.pred_track_instances
    labels, scores = tracks.labels.tolist(), tracks.scores.tolist()
    instance_ids = tracks.instances_id.tolist()
    rows = [
        dict(instance_id=instance_id, label=label, score=score)
        for instance_id, label, score in zip(instance_ids, labels, scores)
    ]
    if classes is not None:
        rows = [dict(row, category=classes[row['label']]) for row in rows]
    head = dict(
        video_id=sample.video_id,
        video_len=sample.video_len,
        ori_shape=list(sample.ori_shape),
        tracks=rows,
    )
    with atomic_file(path) as partial, partial.open('w') as file:
        file.write(json.dumps(head)[:-1])
        _write_by_track(file, 'bboxes', dict(zip(instance_ids, tracks.bboxes)))
        masks = dict(zip(instance_ids, tracks.masks))
        _write_by_track(file, 'masks', masks, _rle_as_text)
        file.write('}')


def read_video_record(path: str | Path) -> TrackDataSample:
    """Read what :func:`write_video_record` wrote."""
    content = json.loads(Path(path).read_text())
    rows = content['tracks']
    sample = TrackDataSample(
        metainfo=dict(
            video_id=content['video_id'],
            video_len=content['video_len'],
            ori_shape=tuple(content['ori_shape']),
        )
    )
    sample.pred_track_instances = InstanceData(
        labels=torch.tensor([row['label'] for row in rows], dtype=torch.long),
        # Double, so that scores come back as they were written.
        scores=torch.tensor([row['score'] for row in rows], dtype=torch.float64),
        instances_id=torch.tensor(
            [row['instance_id'] for row in rows], dtype=torch.long
        ),
        masks=[content['masks'][str(row['instance_id'])] for row in rows],
        bboxes=[content['bboxes'][str(row['instance_id'])] for row in rows],
    )
    return sample


def _write_by_track(
    file: TextIO,
    name: str,
    by_track: dict[int, list],
    to_json: Callable = lambda value: value,
) -> None:
    """Write one more key, whose value has a list over the frames for each track."""
    file.write(f', "{name}": {{')
    for i, (instance_id, values) in enumerate(by_track.items()):
        file.write(f'{", " if i else ""}"{instance_id}": [')
        # One by one: the text of a long video would double its memory.
        for frame_id, value in enumerate(values):
            file.write(', ' if frame_id else '')
            file.write(json.dumps(to_json(value)))
        file.write(']')
    file.write('}')


def _rle_as_text(rle: dict | None) -> dict | None:
    """RLE with its counts as str, which json can hold."""
    if rle is None:
        return None
    counts = rle['counts']
    return dict(
        size=list(rle['size']),
        counts=counts.decode('ascii') if isinstance(counts, bytes) else counts,
    )
