"""Rendering of text in any script."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

__all__ = ['render_text']

# Ships with matplotlib: Latin, Greek, Cyrillic, Arabic and more. Others are searched
# among the fonts of the system.
_DEFAULT_FONT = font_manager.findfont('DejaVu Sans')
_NOT_PRINTABLE = '\N{REPLACEMENT CHARACTER}'


@lru_cache(maxsize=1024)
def render_text(text: str, height: int) -> np.ndarray:
    """Draw one line of text.

    Args:
        text (str): The text. Control characters are replaced.
        height (int): Height of a line in pixels.

    Returns:
        np.ndarray: Coverage, 0 to 1, float32, shape (height, width); not to be
        changed, since it is kept.
    """
    text = ''.join(c if c.isprintable() else _NOT_PRINTABLE for c in text)
    font = _font(_font_for(text), height)
    left, _, right, _ = font.getbbox(text)
    image = Image.new('L', (max(int(np.ceil(right - left)), 1), height))
    ascent, descent = font.getmetrics()
    top = (height - ascent - descent) / 2
    ImageDraw.Draw(image).text((-left, top), text, fill=255, font=font)
    coverage = np.asarray(image, dtype=np.float32) / 255
    coverage.flags.writeable = False
    return coverage


@lru_cache(maxsize=64)
def _font(path: str, height: int) -> ImageFont.FreeTypeFont:
    """The largest size of a font whose lines are at most ``height`` pixels."""
    size = max(height, 4)
    while size > 4:
        font = ImageFont.truetype(path, size)
        if sum(font.getmetrics()) <= height:
            return font
        size -= 1
    return ImageFont.truetype(path, 4)


@lru_cache(maxsize=256)
def _font_for(text: str) -> str:
    """The first font with all characters; else the one with most of them."""
    characters = {c for c in text if not c.isspace()}
    best: str = _DEFAULT_FONT
    best_count = _count_glyphs(best, characters)
    if best_count == len(characters):
        return best
    for path in sorted(font_manager.findSystemFonts()):
        count = _count_glyphs(path, characters)
        if count > best_count:
            best, best_count = path, count
        if count == len(characters):
            break
    return best


def _count_glyphs(path: str, characters: set[str]) -> int:
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):  # not a font that FreeType reads
        return 0
    return sum(font.get_char_index(ord(c)) != 0 for c in characters)
