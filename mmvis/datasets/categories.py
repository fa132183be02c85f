"""Class lists of the benchmarks, in the order of their category ids."""

from collections.abc import Sequence

from mmvis.errors import UserValueError

__all__ = ['DATASET_CLASSES', 'match_categories']

_YOUTUBE_VIS_2019 = (
    'person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape', 'dog',
    'snake', 'monkey', 'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish', 'train',
    'horse', 'turtle', 'bear', 'motorbike', 'giraffe', 'leopard', 'fox', 'deer',
    'owl', 'surfboard', 'airplane', 'truck', 'zebra', 'tiger', 'elephant',
    'snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal',
    'tennis_racket',
)  # fmt: skip

_YOUTUBE_VIS_2021 = (
    'airplane', 'bear', 'bird', 'boat', 'car', 'cat', 'cow', 'deer', 'dog', 'duck',
    'earless_seal', 'elephant', 'fish', 'flying_disc', 'fox', 'frog', 'giant_panda',
    'giraffe', 'horse', 'leopard', 'lizard', 'monkey', 'motorbike', 'mouse',
    'parrot', 'person', 'rabbit', 'shark', 'skateboard', 'snake', 'snowboard',
    'squirrel', 'surfboard', 'tennis_racket', 'tiger', 'train', 'truck', 'turtle',
    'whale', 'zebra',
)  # fmt: skip

_OVIS = (
    'Person', 'Bird', 'Cat', 'Dog', 'Horse', 'Sheep', 'Cow', 'Elephant', 'Bear',
    'Zebra', 'Giraffe', 'Poultry', 'Giant_panda', 'Lizard', 'Parrot', 'Monkey',
    'Rabbit', 'Tiger', 'Fish', 'Turtle', 'Bicycle', 'Motorcycle', 'Airplane', 'Boat',
    'Vehical',
)  # fmt: skip

DATASET_CLASSES: dict[str, tuple[str, ...]] = {
    '2019': _YOUTUBE_VIS_2019,
    '2021': _YOUTUBE_VIS_2021,
    '2022': _YOUTUBE_VIS_2021,  # 2022 adds long videos, not categories
    'ovis': _OVIS,
}


def _normalise(name: str) -> str:
    """Unify the spelling of a name: OVIS's "Vehical" is also written "Vehicle"."""
    name = name.lower().replace(' ', '_')
    return 'vehicle' if name == 'vehical' else name


def match_categories(
    categories: Sequence[dict],
    classes: Sequence[str] | None = None,
    dataset_version: str | None = None,
    source: str = 'annotations',
) -> tuple[list[int], tuple[str, ...]]:
    """Find the category id of every label.

    Args:
        categories (Sequence[dict]): ``categories`` of the annotation file, each
            with ``id`` and ``name``.
        classes (Sequence[str] | None): Names of the labels, a subset of the
            file's in any order. Defaults to None, all of the file's.
        dataset_version (str | None): A key of :data:`DATASET_CLASSES`: the
            categories of the file in the order of their ids must be this list.
            Defaults to None.
        source (str): Name of the file, for messages.

    Returns:
        tuple[list[int], tuple[str, ...]]: The category ids and the class names,
        both by label.

    Raises:
        ValueError: If the file's categories are not those asked for, or two have one
            name.
    """
    by_id = sorted(categories, key=lambda category: category['id'])
    ids = [category['id'] for category in by_id]
    names = [category['name'] for category in by_id]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise UserValueError(
            f'{source}: "categories" has {min(repeated)!r} twice, as the name of '
            f'different ids. Give each category a name of its own.'
        )
    if dataset_version is not None:
        _check_version(by_id, dataset_version, source)
        return ids, DATASET_CLASSES[dataset_version]
    if classes is None:
        return ids, tuple(names)
    missing = [name for name in classes if name not in names]
    if missing:
        raise UserValueError(
            f'{source}: "categories" lacks {missing} of `metainfo.classes`; it has '
            f'{names}.'
        )
    return [ids[names.index(name)] for name in classes], tuple(classes)


def _check_version(by_id: list[dict], version: str, source: str) -> None:
    expected = DATASET_CLASSES[version]
    advice = (
        f'Set `dataset_version` to the version of the file (one of '
        f'{list(DATASET_CLASSES)}), or to None to take the classes from the file.'
    )
    if len(by_id) != len(expected):
        raise UserValueError(
            f'{source}: "categories" has {len(by_id)} entries, expected the '
            f"{len(expected)} of dataset_version='{version}'. {advice}"
        )
    for category, name in zip(by_id, expected, strict=True):
        if _normalise(category['name']) != _normalise(name):
            raise UserValueError(
                f'{source}: "categories" has {category["name"]!r} under id '
                f'{category["id"]}, dataset_version="{version}" has "{name}" there. '
                f'{advice}'
            )
