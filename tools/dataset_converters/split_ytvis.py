"""Split an annotated YouTube-VIS json into a training and a validation json.

The annotations of the official validation videos are not public; holding out some
of the training videos gives an AP at all. The split is the same for the same
seed, and each category has its share of instances on both sides.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from mmvis.atomic_file import atomic_file
from mmvis.datasets.json_reader import read_json_object
from mmvis.datasets.video_split import split_videos
from mmvis.datasets.ytvis_reader import check_categories, check_fields
from mmvis.errors import UserValueError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ann_file', type=Path, help='json with annotations')
    parser.add_argument(
        '--val-fraction', type=float, default=0.1, help='share of videos (default: 0.1)'
    )
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    parser.add_argument(
        '--out-dir', type=Path, help='where to write (default: beside the json)'
    )
    return parser.parse_args()


class AnnotationText:
    """Turns annotations into text again while they are read: ten times smaller."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, index: int, annotation: dict) -> dict:
        """Keep the ids and the text of an annotation."""
        fields = ('video_id', 'category_id')
        check_fields(annotation, fields, f'{self.path}: annotations[{index}]')
        kept = {field: annotation[field] for field in fields}
        return dict(kept, text=json.dumps(annotation))


def read_annotated(path: Path) -> dict:
    """Read the json and check what the split relies on.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an annotated json in the format of YouTube-VIS.
    """
    content = read_json_object(str(path), {'annotations': AnnotationText(path)})
    check_fields(content, ('videos', 'categories'), f'{path}: the json')
    check_categories(content, str(path))
    if not content.get('annotations'):
        raise UserValueError(
            f'{path}: "annotations" is missing or empty, so there is nothing to '
            'balance. Give the json of the training videos.'
        )
    for index, video in enumerate(content['videos']):
        check_fields(video, ('id',), f'{path}: videos[{index}]')
    return content


def count_instances(content: dict, path: Path) -> np.ndarray:
    """Count the instances of each category in each video.

    Returns:
        np.ndarray: Counts, int64, shape (V, K), in the order of the json.

    Raises:
        ValueError: If an annotation names a video or category that is not there, or
            if two videos have one id.
    """
    rows = {video['id']: row for row, video in enumerate(content['videos'])}
    columns = {
        category['id']: col for col, category in enumerate(content['categories'])
    }
    if len(rows) < len(content['videos']):
        raise UserValueError(f'{path}: two entries of "videos" have the same id')
    counts = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for index, annotation in enumerate(content['annotations']):
        for field, known in (('video_id', rows), ('category_id', columns)):
            if annotation[field] not in known:
                raise UserValueError(
                    f'{path}: annotations[{index}].{field} is {annotation[field]}, '
                    'which is not in the json'
                )
        counts[rows[annotation['video_id']], columns[annotation['category_id']]] += 1
    return counts


def select_videos(content: dict, is_selected: np.ndarray) -> dict:
    """Keep some videos and their annotations, with their ids and all other fields."""
    videos = [v for v, selected in zip(content['videos'], is_selected) if selected]
    ids = {video['id'] for video in videos}
    annotations = [a for a in content['annotations'] if a['video_id'] in ids]
    return content | dict(videos=videos, annotations=annotations)


def write_json(path: Path, content: dict) -> None:
    """Write a json so that it is there as a whole or not at all."""
    annotations = [annotation['text'] for annotation in content['annotations']]
    head = json.dumps({k: v for k, v in content.items() if k != 'annotations'})
    with atomic_file(path) as partial, partial.open('w', encoding='utf-8') as file:
        file.write(f'{head[:-1]}, "annotations": [')
        file.write(', '.join(annotations))
        file.write(']}')


def print_table(content: dict, counts: np.ndarray, is_val: np.ndarray) -> None:
    """Print the instances of each category on both sides."""
    names = [str(category['name']) for category in content['categories']]
    train, val = counts[~is_val].sum(axis=0), counts[is_val].sum(axis=0)
    rows = [*zip(names, train, val), ('all instances', train.sum(), val.sum())]
    rows.append(('videos', (~is_val).sum(), is_val.sum()))
    width = max(len(row[0]) for row in rows)
    print(f'{"category":{width}}  train    val  val share')
    for name, num_train, num_val in rows:
        share = num_val / max(num_train + num_val, 1)
        print(f'{name:{width}}  {num_train:5d}  {num_val:5d}  {share:9.3f}')


def main() -> None:
    """Split the json, print a table and say what was written."""
    args = parse_args()
    try:
        content = read_annotated(args.ann_file)
        counts = count_instances(content, args.ann_file)
        is_val = split_videos(counts, args.val_fraction, args.seed)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'split_ytvis: {error}')
    print_table(content, counts, is_val)
    out_dir = args.out_dir or args.ann_file.parent
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, is_selected in (('train', ~is_val), ('val', is_val)):
        path = out_dir / f'{args.ann_file.stem}_{name}.json'
        write_json(path, select_videos(content, is_selected))
        print(f'wrote {path}')


if __name__ == '__main__':
    main()
