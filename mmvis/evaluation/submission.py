"""Results files and submission zips."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.structures.packed_file import RESULTS_NAME
from mmvis.structures.results_json import parse_results, to_json
from mmvis.structures.rle import rle_as_text

__all__ = ['tracks_to_results', 'write_submission']

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold


def tracks_to_results(
    video_id: int, tracks: Mapping, cat_ids: Sequence[int]
) -> list[dict]:
    """Turn the record of a video's tracks into entries of a results file.

    Args:
        video_id (int): Id of the video in the annotation file.
        tracks (Mapping): ``labels`` and ``scores``, shape (N,), and ``masks``: N
            lists with a compressed RLE or None per frame.
        cat_ids (Sequence[int]): Category id of each label.

    Returns:
        list[dict]: N entries, ready for json.

    Raises:
        ValueError: If a label has no category id.
    """
    texts: dict[int, list] = {}  # tracks of several labels share their list of masks
    results = []
    for label, score, masks in zip(tracks['labels'], tracks['scores'], tracks['masks']):
        label = int(label)
        if not 0 <= label < len(cat_ids):
            raise UserValueError(
                f'Video {video_id} has a track with label {label}, but there are '
                f'{len(cat_ids)} categories. Does `num_classes` of the model suit '
                'the data set?'
            )
        if id(masks) not in texts:
            texts[id(masks)] = [mask and rle_as_text(mask) for mask in masks]
        results.append(
            dict(
                video_id=int(video_id),
                category_id=int(cat_ids[label]),
                score=float(score),
                segmentations=texts[id(masks)],
            )
        )
    return results


def write_submission(
    results: list[dict], gt: dict, prefix: str | Path
) -> tuple[Path, Path]:
    """Check results, then write them as json and as the zip that servers take.

    The zip holds ``results.json`` in its root and is the same for the same
    results. Neither file appears before it is complete.

    Args:
        results (list[dict]): Entries of :func:`tracks_to_results`.
        gt (dict): Videos and categories of the annotation file.
        prefix (str | Path): Folder and start of the names: ``<prefix>.json`` and
            ``<prefix>.submission_file.zip``.

    Returns:
        tuple[Path, Path]: The two files.

    Raises:
        ValueError: If a server would reject an entry; the message names it.
    """
    content = to_json(results, 'results')
    parse_results(content, gt, 'results')
    json_path = Path(f'{prefix}.json')
    zip_path = Path(f'{prefix}.submission_file.zip')
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(RESULTS_NAME, date_time=_ZIP_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3  # Unix, on every system
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, content)
    for path, data in ((json_path, content), (zip_path, packed.getvalue())):
        with atomic_file(path) as partial:
            partial.write_bytes(data)
    return json_path, zip_path
