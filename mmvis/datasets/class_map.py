"""Merging the categories of an annotation file into fewer classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.structures.rle import compress

__all__ = ['ClassMap']

_LEAST_SHARE = 0.3  # of the smaller box, where one instance is on another


class ClassMap:
    """Table from the categories of a file to the classes of a training.

    A key is the name of a category; categories without an entry are dropped. A key
    'A on B' is an instance of A and one of B below it, whose boxes share 30 % of the
    smaller one: the two become one instance, with the pixels of both. Instances of A
    and B that are alone follow the entries of A and B.

    Args:
        table (Mapping[str, str]): Class of each key.
        names (Mapping[int, str]): Categories of the file, by id.
        classes (Sequence[str] | None): The classes in the order of their labels.
            Defaults to None: those of the table, in its order.
        source (str): Name of the file, for messages.

    Raises:
        ValueError: If a key is no category of the file, or a class is not one of
            ``classes``.

    Example:
        >>> table = {'cat': 'animal', 'dog': 'animal', 'person on bike': 'rider'}
        >>> names = {1: 'cat', 2: 'dog', 3: 'person', 4: 'bike'}
        >>> ClassMap(table, names).classes
        ('animal', 'rider')
    """

    def __init__(
        self,
        table: Mapping[str, str],
        names: Mapping[int, str],
        classes: Sequence[str] | None = None,
        source: str = 'annotations',
    ) -> None:
        known = sorted(names.values())
        pairs = {key: key.split(' on ') for key in table if key not in known}
        unknown = [key for key, pair in pairs.items() if not _is_pair(pair, known)]
        if unknown:
            raise UserValueError(
                f'{source}: "categories" lacks {unknown} of `class_map`; it has '
                f'{known}, and "A on B" joins two of them.'
            )
        self.classes = tuple(dict.fromkeys(table.values()))
        if classes is not None:
            self.classes = tuple(classes)
        strange = [name for name in table.values() if name not in self.classes]
        if strange:
            raise UserValueError(
                f'`class_map` of {source} has {sorted(set(strange))}, which '
                f'`metainfo.classes` lacks: {list(self.classes)}.'
            )
        ids = {name: cat_id for cat_id, name in names.items()}
        labels = {key: self.classes.index(name) for key, name in table.items()}
        self.cat2label = {ids[key]: labels[key] for key in table if key not in pairs}
        self._pairs = [
            (ids[upper], ids[lower], labels[key])
            for key, (upper, lower) in pairs.items()
        ]

    def join(
        self, annotations: Sequence[dict], size: tuple[int, int]
    ) -> Iterator[tuple[dict, int]]:
        """Join the instances of a video, and label them.

        Args:
            annotations (Sequence[dict]): Those of the video, as the reader of the file
                gives them; crowds are never joined.
            size (tuple[int, int]): Height and width of the frames in pixels.

        Yields:
            tuple[dict, int]: An annotation and its label. Joined ones have the id of
            the lower instance.
        """
        rest = list(annotations)
        for upper_id, lower_id, label in self._pairs:
            for lower in _of_category(rest, lower_id):
                riders = _of_category(rest, upper_id)
                shares = [_share_above(rider, lower, size) for rider in riders]
                best = max(shares, default=0.0)
                if best < _LEAST_SHARE:
                    continue
                rider = riders[shares.index(best)]
                rest = [
                    item for item in rest if item is not rider and item is not lower
                ]
                yield _union(lower, rider, size), label
        for annotation in rest:
            own_label = self.cat2label.get(annotation['category_id'])
            if own_label is not None:
                yield annotation, own_label


def _is_pair(parts: list[str], known: Sequence[str]) -> bool:
    return len(parts) == 2 and all(part in known for part in parts)


def _of_category(annotations: Sequence[dict], cat_id: int) -> list[dict]:
    return [
        annotation
        for annotation in annotations
        if annotation['category_id'] == cat_id and not annotation['iscrowd']
    ]


def _share_above(upper: dict, lower: dict, size: tuple[int, int]) -> float:
    """Share of the smaller box that both have; 0 where the upper one is not higher."""
    shared = smaller = rise = 0.0
    for masks in zip(upper['segmentations'], lower['segmentations'], strict=True):
        if None in masks:
            continue
        boxes = [mask_utils.toBbox(compress(mask, *size)) for mask in masks]
        (x_a, y_a, w_a, h_a), (x_b, y_b, w_b, h_b) = boxes
        width = min(x_a + w_a, x_b + w_b) - max(x_a, x_b)
        height = min(y_a + h_a, y_b + h_b) - max(y_a, y_b)
        shared += max(width, 0) * max(height, 0)
        smaller += min(w_a * h_a, w_b * h_b)
        rise += (y_b + h_b / 2) - (y_a + h_a / 2)
    return shared / smaller if smaller > 0 and rise > 0 else 0.0


def _union(first: dict, second: dict, size: tuple[int, int]) -> dict:
    masks = [
        _union_mask([mask for mask in pair if mask is not None], size)
        for pair in zip(first['segmentations'], second['segmentations'], strict=True)
    ]
    return dict(
        first,
        segmentations=masks,
        bboxes=[mask and mask_utils.toBbox(mask).tolist() for mask in masks],
        areas=[mask and float(mask_utils.area(mask)) for mask in masks],
    )


def _union_mask(masks: Sequence[dict | list], size: tuple[int, int]) -> dict | None:
    if not masks:
        return None
    return mask_utils.merge([compress(mask, *size) for mask in masks])
