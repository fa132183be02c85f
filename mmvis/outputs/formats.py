"""Names of the output formats, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmvis.errors import UserTypeError, UserValueError

__all__ = ['DEFAULT_FORMATS', 'FORMATS', 'endings_of']

# MOTS images hold class id * 1000 + number in 16 bits.
_MAX_MOTS_CLASSES = 64


class Format(NamedTuple):
    """One format of output files.

    Attributes:
        ending (str): What follows the name of the video; '/' makes a folder.
        needs_images (bool): Whether frames are drawn.
        needs_record (bool): Whether the whole video must be known.
    """

    ending: str
    needs_images: bool = False
    needs_record: bool = False


FORMATS: dict[str, Format] = {
    'json': Format('.json', needs_record=True),
    'video': Format('.mp4', needs_images=True),
    'strip': Format('.png', needs_images=True),
    'masks': Format('_masks/'),
    'csv': Format('.csv'),
    'jsonl': Format('.jsonl'),
    'coco': Format('_coco.json', needs_record=True),
    'ytvis': Format('_results.json', needs_record=True),
    'mots': Format('_mots.txt', needs_record=True),
    'mots_png': Format('_mots/', needs_record=True),
}

DEFAULT_FORMATS = ('json', 'video', 'strip')


def endings_of(formats: Sequence[str], num_classes: int) -> dict[str, str]:
    """Check formats and give the endings of their files.

    Args:
        formats (Sequence[str]): Keys of :data:`FORMATS`.
        num_classes (int): Number of categories.

    Raises:
        TypeError: If they are not a list.
        ValueError: If one is unknown, or cannot hold so many categories.
    """
    formats = [formats] if isinstance(formats, str) else formats
    if not isinstance(formats, (list, tuple, set)):
        raise UserTypeError(
            f'`formats` must be a list of formats, got {formats!r:.60}. Known formats '
            f'are: {", ".join(FORMATS)}.'
        )
    for key in formats:
        if key not in FORMATS:
            raise UserValueError(
                f'`formats` has {key!r}. Known formats are: {", ".join(FORMATS)}.'
            )
    if 'mots_png' in formats and num_classes > _MAX_MOTS_CLASSES:
        raise UserValueError(
            f'`formats` has mots_png, whose 16 bits hold {_MAX_MOTS_CLASSES} classes, '
            f"but the model has {num_classes}. Use 'mots', the text file."
        )
    return {key: FORMATS[key].ending for key in formats}
