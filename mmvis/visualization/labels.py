"""Layout of labels that is stable over frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmvis.visualization.palette import Colour, text_colour
from mmvis.visualization.text import render_text

__all__ = ['Label', 'LabelLayout', 'draw_label']

Box = tuple[float, float, float, float]

# Positions of a label, the best first: its left end at the left edge of the box.
_PLACES = ('above', 'inside', 'below')
_SMOOTHING = 0.35  # share of the distance to its target that a label moves in a frame


@dataclass(frozen=True)
class Label:
    """A text and the object that it names.

    Args:
        track_id (int): Track of the object.
        text (str): One line.
        colour (tuple[int, int, int]): Background, blue, green, red.
        box (tuple[float, float, float, float]): Of the object, xyxy in pixels.
    """

    track_id: int
    text: str
    colour: Colour
    box: Box


class LabelLayout:
    """Positions of the labels of a video's frames, in order.

    A label stays above, inside or below its object as long as it has space there, and
    follows it smoothly, so that it can be read while the object moves. A label without
    space is left out.

    Memory: a position for each track that was seen.
    """

    def __init__(self) -> None:
        self._places: dict[int, str] = {}
        self._corners: dict[int, tuple[float, float]] = {}

    def arrange(
        self, labels: list[Label], image_size: tuple[int, int]
    ) -> list[tuple[Label, Box]]:
        """Find positions of the labels of the next frame.

        Args:
            labels (list[Label]): In the order of their importance.
            image_size (tuple[int, int]): Height and width of the image in pixels.

        Returns:
            list[tuple[Label, Box]]: The labels that are shown, each with its box,
            xyxy in pixels, within the image; no two of them overlap.
        """
        shown: list[tuple[Label, Box]] = []
        for label in labels:
            box = self._find_place(label, image_size, [box for _, box in shown])
            if box is not None:
                shown.append((label, box))
        visible = {label.track_id for label in labels}
        self._corners = {k: v for k, v in self._corners.items() if k in visible}
        return shown

    def _find_place(
        self, label: Label, image_size: tuple[int, int], taken: list[Box]
    ) -> Box | None:
        size = label_size(label.text, image_size)
        last = self._places.get(label.track_id)
        for place in sorted(_PLACES, key=lambda place: place != last):
            left, top = _corner(place, label.box, size)
            old = self._corners.get(label.track_id)
            if place == last and old is not None:
                left = old[0] + _SMOOTHING * (left - old[0])
                top = old[1] + _SMOOTHING * (top - old[1])
            box = _clip(left, top, size, image_size)
            if box is not None and not any(_overlap(box, other) for other in taken):
                self._places[label.track_id] = place
                self._corners[label.track_id] = (left, top)
                return box
        return None


def label_size(text: str, image_size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a label in pixels, for an image (h, w)."""
    height = min(max(round(min(image_size) / 26), 14), 44)
    padding = height // 4
    return render_text(text, height).shape[1] + 2 * padding, height + 2


def draw_label(image: np.ndarray, label: Label, box: Box) -> None:
    """Write a label into its box.

    Args:
        image (np.ndarray): BGR, uint8, shape (H, W, 3); changed in place.
        label (Label): The label.
        box (tuple[float, float, float, float]): From :class:`LabelLayout`.
    """
    left, top = round(box[0]), round(box[1])
    width, height = label_size(label.text, image.shape[:2])
    crop = image[top : top + height, left : left + width]
    crop[:] = label.colour
    coverage = render_text(label.text, height - 2)[: crop.shape[0], :, None]
    padding = (height - 2) // 4
    text = crop[1 : 1 + len(coverage), padding : padding + coverage.shape[1]]
    coverage = coverage[: text.shape[0], : text.shape[1]]
    ink = np.array(text_colour(label.colour), dtype=np.float32)
    text[:] = np.round(text + coverage * (ink - text)).astype(np.uint8)


def _corner(place: str, box: Box, size: tuple[int, int]) -> tuple[float, float]:
    x1, y1, _, y2 = box
    top = {'above': y1 - size[1], 'inside': y1, 'below': y2}[place]
    return x1, top


def _clip(
    left: float, top: float, size: tuple[int, int], image_size: tuple[int, int]
) -> Box | None:
    """Move a label into the image; None if it is larger than the image."""
    (width, height), (image_height, image_width) = size, image_size
    if width > image_width or height > image_height:
        return None
    left = min(max(left, 0), image_width - width)
    top = min(max(top, 0), image_height - height)
    return left, top, left + width, top + height


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
