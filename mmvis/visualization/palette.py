"""Colours of tracks."""

import colorsys

__all__ = ['text_colour', 'track_colour']

#: Multiples of the golden ratio's fraction are spread evenly for any number of them.
_GOLDEN_FRACTION = 0.6180339887498949

Colour = tuple[int, int, int]


def track_colour(track_id: int) -> Colour:
    """Colour of a track, the same in every frame and every run.

    Args:
        track_id (int): The track's id, not negative.

    Returns:
        tuple[int, int, int]: Blue, green, red, 0 to 255; bright and saturated, and
        different from those of adjacent ids.
    """
    hue = (track_id * _GOLDEN_FRACTION) % 1.0
    saturation = (0.9, 0.65, 1.0)[track_id % 3]
    value = (1.0, 0.95, 0.8)[track_id // 3 % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * blue), round(255 * green), round(255 * red)


def text_colour(background: Colour) -> Colour:
    """Black or white, whichever is easier to read on a colour (blue, green, red)."""
    blue, green, red = background
    is_bright = 0.114 * blue + 0.587 * green + 0.299 * red > 140
    return (0, 0, 0) if is_bright else (255, 255, 255)
