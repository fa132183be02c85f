"""Short texts on an image that do not cover each other."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmvis.visualization.palette import Colour, text_colour

__all__ = ['Label', 'draw_labels']

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PADDING = 2  # pixels around a text

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Label:
    """A text and where it belongs.

    Args:
        text (str): ASCII text of one line.
        colour (tuple[int, int, int]): Background, blue, green, red.
        x (int): Left edge of what it describes, in pixels.
        y (int): Top edge of what it describes, in pixels.
    """

    text: str
    colour: Colour
    x: int
    y: int


def draw_labels(image: np.ndarray, labels: list[Label]) -> None:
    """Write labels above their places, in the order of their importance.

    A label that would cover an earlier one moves down; one that finds no free place
    is left out.

    Args:
        image (np.ndarray): BGR, uint8, shape (H, W, 3); changed in place.
        labels (list[Label]): The labels.
    """
    height, width = image.shape[:2]
    font_scale = min(max(height / 900, 0.38), 1.2)
    thickness = 2 if font_scale > 0.8 else 1
    taken: list[Box] = []
    for label in labels:
        (text_width, text_height), base = cv2.getTextSize(
            label.text, _FONT, font_scale, thickness
        )
        box_width = text_width + 2 * _PADDING
        box_height = text_height + base + 2 * _PADDING
        left = max(min(label.x, width - box_width), 0)
        top = _free_top(
            label.y - box_height, left, box_width, box_height, height, taken
        )
        if top is None:
            continue
        right, bottom = left + box_width, top + box_height
        taken.append((left, top, right, bottom))
        cv2.rectangle(image, (left, top), (right - 1, bottom - 1), label.colour, -1)
        corner = (left + _PADDING, top + _PADDING + text_height)
        colour = text_colour(label.colour)
        cv2.putText(
            image, label.text, corner, _FONT, font_scale, colour, thickness, cv2.LINE_AA
        )


def _free_top(
    wanted: int, left: int, width: int, height: int, image_height: int, taken: list[Box]
) -> int | None:
    """The first free row from the wanted one on; None where there is none."""
    top = min(max(wanted, 0), max(image_height - height, 0))
    while top + height <= max(image_height, height):
        blocking = [
            box
            for box in taken
            if left < box[2]
            and box[0] < left + width
            and top < box[3]
            and box[1] < top + height
        ]
        if not blocking:
            return top
        top = max(box[3] for box in blocking)
    return None
