"""Tiny data sets on disk for tests."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils

__all__ = ['make_tiny_vis', 'rle_of']


def rle_of(mask: np.ndarray, compressed: bool = True) -> dict:
    """Write a mask as the RLE of a json file.

    Args:
        mask (np.ndarray): Mask of 0 and 1, shape (H, W).
        compressed (bool): Whether ``counts`` is a string (results, some ground
            truth) or a list of ints (training files). Defaults to True.

    Returns:
        dict: ``size`` (h, w) and ``counts``.
    """
    size = list(mask.shape)
    if compressed:
        rle = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
        return dict(size=size, counts=rle['counts'].decode())
    flat = mask.astype(bool).ravel(order='F')
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = [0, *changes.tolist(), flat.size]
    counts = np.diff(edges).tolist()
    return dict(size=size, counts=[0, *counts] if flat[0] else counts)


def _segmentation(
    box: tuple[int, int, int, int], size: tuple[int, int], kind: str
) -> dict | list[list[int]]:
    x1, y1, x2, y2 = box
    if kind == 'polygon':
        return [[x1, y1, x2, y1, x2, y2, x1, y2]]
    mask = np.zeros(size, dtype=np.uint8)
    mask[y1:y2, x1:x2] = 1
    return rle_of(mask, compressed=kind == 'compressed')


def _moving_boxes(
    rng: random.Random, video_len: int, size: tuple[int, int], absent: Sequence[int]
) -> list[tuple[int, int, int, int] | None]:
    """Draw a box of one object in every frame, None in the absent ones."""
    height, width = size
    h = rng.randint(height // 4, height // 2)
    w = rng.randint(width // 4, width // 2)
    y, x = rng.randint(0, height - h), rng.randint(0, width - w)
    dy, dx = rng.randint(-3, 3), rng.randint(-3, 3)
    boxes: list[tuple[int, int, int, int] | None] = []
    for t in range(video_len):
        top = min(max(y + t * dy, 0), height - h)
        left = min(max(x + t * dx, 0), width - w)
        box = (left, top, left + w, top + h)
        boxes.append(None if t in absent else box)
    return boxes


def make_tiny_vis(
    root: Path | str,
    num_videos: int = 2,
    video_len: int | Sequence[int] = 4,
    size: tuple[int, int] = (48, 64),
    num_instances: int = 2,
    classes: Sequence[str] = ('square', 'brick', 'tile'),
    cat_ids: Sequence[int] | None = None,
    kind: str = 'uncompressed',
    annotated: bool = True,
    absent: Sequence[int] = (),
    ann_name: str = 'train.json',
    img_dir: str = 'JPEGImages',
    seed: int = 0,
) -> Path:
    """Write a small data set in YouTube-VIS format: moving boxes on noise.

    Objects have their own colour and may overlap; video ids, annotation ids and
    (by default) category ids start at 1. Instance n of a video has category
    ``cat_ids[n % K]``.

    Args:
        root (Path | str): Folder to write into.
        num_videos (int): Number of videos.
        video_len (int | Sequence[int]): Frames, of all or of each video.
        size (tuple[int, int]): Height and width in pixels.
        num_instances (int): Instances per video.
        classes (Sequence[str]): Category names.
        cat_ids (Sequence[int] | None): Their ids. Defaults to 1, 2, ...
        kind (str): 'uncompressed' or 'compressed' RLE, or 'polygon'.
        annotated (bool): Whether the json has annotations; the official
            validation files have none. Defaults to True.
        absent (Sequence[int]): Frames in which the first instance of every video
            is not seen.
        ann_name (str): Name of the json.
        img_dir (str): Folder of the frames below ``root``.
        seed (int): Seed of all randomness.

    Returns:
        Path: The json file.
    """
    root = Path(root)
    rng = random.Random(seed)
    noise = np.random.default_rng(seed)
    cat_ids = list(cat_ids or range(1, len(classes) + 1))
    lengths = [video_len] * num_videos if isinstance(video_len, int) else video_len
    videos, annotations = [], []
    for video_id, length in enumerate(lengths, start=1):
        tracks = [
            _moving_boxes(rng, length, size, absent if n == 0 else ())
            for n in range(num_instances)
        ]
        annotations += [
            _annotation(boxes, size, kind, video_id, cat_ids[n % len(cat_ids)])
            for n, boxes in enumerate(tracks)
        ]
        names = [f'video{video_id}/{5 * t:05d}.jpg' for t in range(length)]
        _write_frames([root / img_dir / name for name in names], tracks, size, noise)
        videos.append(
            dict(
                id=video_id,
                height=size[0],
                width=size[1],
                length=length,
                file_names=names,
            )
        )
    content = dict(
        info={},
        licenses=[],
        videos=videos,
        categories=[
            dict(id=cat_id, name=name, supercategory='object')
            for cat_id, name in zip(cat_ids, classes, strict=True)
        ],
    )
    if annotated:
        content['annotations'] = [
            dict(id=n, **annotation) for n, annotation in enumerate(annotations, 1)
        ]
    path = root / ann_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def _write_frames(
    paths: list[Path],
    tracks: list[list[tuple[int, int, int, int] | None]],
    size: tuple[int, int],
    noise: np.random.Generator,
) -> None:
    """Draw the boxes of all objects on noise, one file a frame."""
    frames = noise.integers(0, 80, (len(paths), *size, 3), dtype=np.uint8)
    for boxes in tracks:
        colour = noise.integers(120, 256, 3)
        for frame, box in zip(frames, boxes, strict=True):
            if box is not None:
                frame[box[1] : box[3], box[0] : box[2]] = colour
    for path, frame in zip(paths, frames, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), frame, [cv2.IMWRITE_JPEG_QUALITY, 95])


def _annotation(
    boxes: list[tuple[int, int, int, int] | None],
    size: tuple[int, int],
    kind: str,
    video_id: int,
    category_id: int,
) -> dict:
    return dict(
        video_id=video_id,
        category_id=category_id,
        iscrowd=0,
        height=size[0],
        width=size[1],
        length=1,
        segmentations=[b and _segmentation(b, size, kind) for b in boxes],
        bboxes=[b and [b[0], b[1], b[2] - b[0], b[3] - b[1]] for b in boxes],
        areas=[b and (b[2] - b[0]) * (b[3] - b[1]) for b in boxes],
    )
