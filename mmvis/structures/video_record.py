"""The tracks of one video as plain data, on disk and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

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
    ``category`` if ``classes`` are given) and ``masks``: for each instance id the
    compressed RLE of every frame, None where it is absent.

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
    masks = dict(zip(instance_ids, tracks.masks))
    with atomic_file(path) as partial, partial.open('w') as file:
        # Mask by mask: the text of a long video would double its memory.
        file.write(f'{json.dumps(head)[:-1]}, "masks": {{')
        for i, (instance_id, rles) in enumerate(masks.items()):
            file.write(f'{", " if i else ""}"{instance_id}": [')
            for frame_id, rle in enumerate(rles):
                file.write(', ' if frame_id else '')
                file.write(json.dumps(_rle_as_text(rle)))
            file.write(']')
        file.write('}}')


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
    )
    return sample


def _rle_as_text(rle: dict | None) -> dict | None:
    """RLE with its counts as str, which json can hold."""
    if rle is None:
        return None
    counts = rle['counts']
    return dict(
        size=list(rle['size']),
        counts=counts.decode('ascii') if isinstance(counts, bytes) else counts,
    )
