"""Reading of ground-truth and results files for evaluation."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmvis.structures.json_file import parse_json
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle import compress
from mmvis.structures.ytvis_json import parse_ytvis

__all__ = ['parse_ground_truth', 'read_ground_truth', 'read_json_file']


def read_json_file(path: str | Path) -> Any:
    """Read a json file, plain, gzipped, or the one of a submission's zip.

    Its content is not checked beyond that.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON, or a corrupted archive.
    """
    return parse_json(read_content(path), str(path))


def read_ground_truth(
    path: str | Path, backend_args: dict | None = None, is_strict: bool = True
) -> dict:
    """Read a ground-truth file, see :func:`parse_ground_truth`."""
    return parse_ground_truth(read_content(path, backend_args), str(path), is_strict)


def parse_ground_truth(content: bytes, source: str, is_strict: bool = True) -> dict:
    """Parse and check a ground truth, and let annotation id 0 score as any other.

    The official evaluator counts a match with id 0 as none. Own data often has it.

    Args:
        content (bytes): JSON text.
        source (str): Name of the file, for messages.
        is_strict (bool): Whether to refuse or replace what the official evaluator
            accepts without an error; if False, id 0 stays. Defaults to True.

    Returns:
        dict: See :func:`mmvis.structures.ytvis_json.parse_ytvis`; polygons of known
        videos are drawn, so that all their masks are compressed RLE.

    Raises:
        ValueError: If it is not what the format asks for.
    """
    gt = parse_ytvis(content, source, ('iscrowd', 'areas'), is_strict)
    sizes = {video['id']: (video['height'], video['width']) for video in gt['videos']}
    for annotation in gt['annotations']:
        masks = annotation['segmentations']
        if annotation['video_id'] in sizes and list in map(type, masks):
            size = sizes[annotation['video_id']]
            masks[:] = [mask and compress(mask, *size) for mask in masks]
    if is_strict:
        ids = [annotation['id'] for annotation in gt['annotations']]
        if 0 in ids:
            unused = next(n for n in range(1, len(ids) + 1) if n not in set(ids))
            gt['annotations'][ids.index(0)]['id'] = unused
            print_log(
                f'{source}: annotation id 0 is scored as id {unused}. The official '
                'evaluator counts a match with id 0 as a false positive.',
                logger='current',
                level=logging.WARNING,
            )
    return gt
