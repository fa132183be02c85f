"""Split an annotated YouTube-VIS json into a training and a validation json.

The annotations of the official validation videos are not public; hold out some of the
training videos to measure AP. The split is the same for the same seed, and stratified
by category.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from mmvis.atomic_file import atomic_file
from mmvis.engine.command_line import ToolArgumentParser, seed
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError
from mmvis.structures.json_file import (
    Place,
    elements,
    members,
)
from mmvis.structures.packed_file import read_content
from mmvis.structures.ytvis_json import parse_ytvis
from mmvis.terminal import printable

EXAMPLES = """examples:
  mmvis data split data/youtube_vis_2019/train.json
  mmvis data split train.json --val-fraction 0.2 --seed 1 --out-dir split
"""


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('ann_file', type=Path, help='json with annotations')
    parser.add_argument(
        '--val-fraction', type=float, default=0.1, help='share of videos (default: 0.1)'
    )
    parser.add_argument('--seed', type=seed, default=0, help='default: 0')
    parser.add_argument(
        '--out-dir', type=Path, help='output folder (default: that of the json)'
    )
    return parser.parse_args(args)


def read_parts(path: Path) -> dict:
    """Read and check the json; entries stay text.

    Returns:
        dict: With the keys

        - others (dict[str, Raw]): All but videos and annotations, by key.
        - videos (list[Raw]), annotations (list[Raw]): Entries.
        - rows (np.ndarray): Place of each annotation's video, int64, (A,).
        - counts (np.ndarray): Instances of each category in each video, int64, (V, K).
        - names (list[str]): Names of the categories, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an annotated json in the format of YouTube-VIS.
    """
    content = read_content(path)
    checked = parse_ytvis(content, str(path))
    if not checked['annotations']:
        raise UserValueError(
            f'{path}: "annotations" is missing or empty, so there is nothing to '
            'balance. Give the json of the training videos.'
        )
    rows = {video['id']: row for row, video in enumerate(checked['videos'])}
    columns = {entry['id']: col for col, entry in enumerate(checked['categories'])}
    places = np.array(
        [
            (rows[annotation['video_id']], columns[annotation['category_id']])
            for annotation in checked['annotations']
        ]
    )
    counts = np.zeros((len(rows), len(columns)), dtype=np.int64)
    np.add.at(counts, tuple(places.T), 1)
    others = members(content, Place(str(path)))
    return dict(
        videos=elements(others.pop('videos'), Place(str(path), 'videos')),
        annotations=elements(others.pop('annotations'), Place(str(path))),
        others=others,
        rows=places[:, 0],
        counts=counts,
        names=[category['name'] for category in checked['categories']],
    )


def write_videos(path: Path, parts: dict, is_selected: np.ndarray) -> None:
    """Write some videos and their annotations, with their ids and all other fields."""
    is_kept = is_selected[parts['rows']]
    content = dict(
        parts['others'],
        videos=[v for v, selected in zip(parts['videos'], is_selected) if selected],
        annotations=[a for a, kept in zip(parts['annotations'], is_kept) if kept],
    )
    with atomic_file(path) as partial:
        partial.write_bytes(msgspec.json.encode(content))


def print_table(names: list[str], counts: np.ndarray, is_val: np.ndarray) -> None:
    """Print the instances of each category in both parts."""
    train, val = counts[~is_val].sum(axis=0), counts[is_val].sum(axis=0)
    rows = [*zip(map(printable, names), train, val)]
    rows.append(('all instances', train.sum(), val.sum()))
    rows.append(('videos', (~is_val).sum(), is_val.sum()))
    width = max(len(row[0]) for row in rows)
    print(f'{"category":{width}}  train    val  val share')
    for name, num_train, num_val in rows:
        share = num_val / max(num_train + num_val, 1)
        print(f'{name:{width}}  {num_train:5d}  {num_val:5d}  {share:9.3f}')


def main(args: Sequence[str] | None = None) -> None:
    """Split the json, print a table and say what was written.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    from mmvis.datasets.video_split import split_videos

    with user_errors():
        parts = read_parts(options.ann_file)
        is_val = split_videos(parts['counts'], options.val_fraction, options.seed)
        print_table(parts['names'], parts['counts'], is_val)
        out_dir = options.out_dir or options.ann_file.parent
        for name, is_selected in (('train', ~is_val), ('val', is_val)):
            path = out_dir / f'{options.ann_file.stem}_{name}.json'
            write_videos(path, parts, is_selected)
            print(f'wrote {path}')
