"""Annotated videos made of annotated photos, to test models on new scenes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from mmvis.atomic_file import check_empty_folder
from mmvis.datasets.coco_clip import CocoClipDataset
from mmvis.datasets.seeded_index import SeededIndex
from mmvis.datasets.transforms import (
    LoadClipAnnotations,
    LoadFrameFromFile,
    MakePseudoClip,
    SampleAllFrames,
)
from mmvis.labels.label_set import add_annotation, encode_mask
from mmvis.visualization import write_image

__all__ = ['PhotoClips']


class PhotoClips:
    """Photos with masks in COCO's format as short videos with masks.

    The camera turns, zooms and drifts over each photo, as in
    :class:`~mmvis.datasets.transforms.MakePseudoClip`. The clip of a photo depends on
    the seed and on its place in the file alone.

    Args:
        ann_file (Path): The photos' annotations.
        photos (Path): Folder that their file names are relative to.
        num_frames (int): Frames of each clip, T. Defaults to 6.
        seed (int): Seed of the camera's motion. Defaults to 0.

    Raises:
        FileNotFoundError: If the annotations are missing.
        UserValueError: If anything in them is wrong.
    """

    def __init__(
        self, ann_file: Path, photos: Path, num_frames: int = 6, seed: int = 0
    ) -> None:
        self._seed = seed
        self._photos = CocoClipDataset(
            ann_file=str(ann_file.absolute()),
            data_prefix=dict(img=str(photos.absolute())),
            keep_crowd=True,
            test_mode=True,
            pipeline=[
                dict(type=SampleAllFrames),
                dict(
                    type='TransformBroadcaster',
                    transforms=[dict(type=LoadFrameFromFile)],
                ),
                dict(type=LoadClipAnnotations),
                dict(type=MakePseudoClip, clip_len=num_frames),
            ],
        )

    def __len__(self) -> int:
        return len(self._photos)

    def write(self, folder: Path, on_photo: Callable[[], None] | None = None) -> dict:
        """Write the frames.

        Args:
            folder (Path): Gets a folder for each photo; must be empty or new.
            on_photo (Callable[[], None] | None): Called after each photo.

        Returns:
            dict: The annotations in YouTube-VIS format.

        Raises:
            OSError: If a photo is missing, or a frame cannot be written.
            UserValueError: If there are files in the folder, or a photo is corrupted
                or of another size.
        """
        check_empty_folder(folder)
        partial = folder.with_name(f'.{folder.name}.partial')
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        meta = self._photos.metainfo
        labels = dict(
            videos=[],
            categories=[
                dict(id=cat_id, name=name)
                for cat_id, name in zip(meta['cat_ids'], meta['classes'])
            ],
            annotations=[],
        )
        for index in range(len(self)):
            clip = self._photos[SeededIndex(index, (self._seed, index))]
            labels['videos'].append(_write_frames(clip, partial))
            _add_tracks(labels, clip, meta['cat_ids'])
            if on_photo is not None:
                on_photo()
        os.replace(partial, folder)
        return labels


def _write_frames(clip: dict, folder: Path) -> dict:
    video_id = clip['video_id'][0]
    names = []
    for number, img in enumerate(clip['img']):
        name = f'{video_id:06d}/{number:05d}.jpg'
        write_image(folder / name, img)
        names.append(name)
    height, width = clip['img'][0].shape[:2]
    return dict(
        id=video_id, file_names=names, height=height, width=width, length=len(names)
    )


def _add_tracks(labels: dict, clip: dict, cat_ids: list[int]) -> None:
    for n, label in enumerate(clip['gt_bboxes_labels'][0]):
        if not any(frame.masks[n].any() for frame in clip['gt_masks']):
            continue  # the camera never shows it
        masks = [encode_mask(frame.masks[n]) for frame in clip['gt_masks']]
        add_annotation(
            labels,
            clip['video_id'][0],
            cat_ids[label],
            masks,
            iscrowd=int(clip['gt_ignore_flags'][0][n]),
        )
