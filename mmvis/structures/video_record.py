"""Record of the tracks of one video on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TextIO

import msgspec
import torch
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData

from mmvis.atomic_file import atomic_file
from mmvis.structures.json_entries import (
    Box,
    Id,
    MaskCheck,
    Score,
    Side,
    TextRLE,
)
from mmvis.structures.json_file import Place, check_keys, decode, members, shorten
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle import rle_as_text

__all__ = ['read_video_record', 'write_video_record']


class _Track(msgspec.Struct):
    instance_id: Id
    label: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    score: Score


class _Record(msgspec.Struct):
    video_id: Id
    video_len: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    ori_shape: Annotated[list[Side], msgspec.Meta(min_length=2, max_length=2)]
    tracks: list[_Track]
    bboxes: msgspec.Raw
    masks: msgspec.Raw
    fingerprint: str | None = None


_RECORD = msgspec.json.Decoder(_Record)
_BOXES = msgspec.json.Decoder(list[Box | None])
_MASKS = msgspec.json.Decoder(list[TextRLE | None])


def write_video_record(
    sample: TrackDataSample,
    path: str | Path,
    classes: Sequence[str] | None = None,
    fingerprint: str | None = None,
) -> None:
    """Write the predicted tracks of one video as json, atomically.

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
        fingerprint (str, optional): What the tracks follow from, in few letters; it
            is read back as metainfo.
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
    if fingerprint is not None:
        head['fingerprint'] = fingerprint
    with atomic_file(path) as partial, partial.open('w') as file:
        file.write(json.dumps(head)[:-1])
        _write_by_track(file, 'bboxes', dict(zip(instance_ids, tracks.bboxes)))
        masks = dict(zip(instance_ids, tracks.masks))
        _write_by_track(file, 'masks', masks, rle_as_text)
        file.write('}')


def read_video_record(path: str | Path) -> TrackDataSample:
    """Read a file of :func:`write_video_record`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is corrupted; the message names the file and the field.
    """
    content = read_content(path)
    place = Place(str(path))
    record = decode(content, _RECORD, place)
    check_keys(content, place)
    bboxes = _read_by_track(record, 'bboxes', _BOXES, place)
    masks = _read_by_track(record, 'masks', _MASKS, place)
    _check_masks(masks, record.ori_shape, place)
    rows = record.tracks
    sample = TrackDataSample(
        metainfo=dict(
            video_id=record.video_id,
            video_len=record.video_len,
            ori_shape=tuple(record.ori_shape),
        )
    )
    if record.fingerprint is not None:
        sample.set_metainfo(dict(fingerprint=record.fingerprint))
    sample.pred_track_instances = InstanceData(
        labels=torch.tensor([row.label for row in rows], dtype=torch.long),
        # Double, so that scores come back as they were written.
        scores=torch.tensor([row.score for row in rows], dtype=torch.float64),
        instances_id=torch.tensor([row.instance_id for row in rows], dtype=torch.long),
        masks=[masks[str(row.instance_id)] for row in rows],
        bboxes=[bboxes[str(row.instance_id)] for row in rows],
    )
    return sample


def _read_by_track(
    record: _Record, name: str, decoder: msgspec.json.Decoder, place: Place
) -> dict[str, list]:
    """Read one value or None per frame of each track, by its id as text."""
    place = place.at(f'.{name}')
    texts = members(getattr(record, name), place)
    ids = {str(row.instance_id) for row in record.tracks}
    if texts.keys() != ids:
        raise place.error(
            f'has the tracks {shorten(sorted(texts))}, expected those of "tracks", '
            f'{shorten(sorted(ids))}. Remove the file to make it again.'
        )
    by_track = {}
    for instance_id, text in texts.items():
        track_place = place.at(f'.{instance_id}')
        by_track[instance_id] = values = decode(text, decoder, track_place)
        if len(values) != record.video_len:
            raise track_place.error(
                f'{len(values)} entries, expected {record.video_len}, one per frame. '
                'Remove the file to make it again.'
            )
    return by_track


def _check_masks(masks: dict[str, list], size: list[int], place: Place) -> None:
    """Check that masks are valid RLE of the video's size (h, w)."""
    check = MaskCheck()
    for instance_id, track in masks.items():
        check.add(track, size, place, f'.masks.{instance_id}[{{}}]')
    check.finish()


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
            file.write(json.dumps(value and to_json(value)))
        file.write(']')
    file.write('}')
