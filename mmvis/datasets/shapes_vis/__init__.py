"""ShapesVIS: a synthetic data set in the format of YouTube-VIS.

Objects of five categories, which differ in shape alone, move, turn, deform, hide
each other, leave the frame and come back, before a textured background that the
camera sweeps. Textures are independent of the category, and some objects of a
video look alike.

The same arguments give the same bytes on every machine. Everything that decides a
pixel is computed with integers, or with the operations that IEEE 754 rounds
exactly, one at a time; random numbers are the raw words of PCG64. Frames are
encoded by libjpeg-turbo, within Pillow, whose default integer transform gives the
same bytes with and without SIMD; another version of Pillow may bring an encoder
that writes others.
"""

from .contours import CATEGORIES
from .generate import generate_shapes_vis, is_finished
from .spec import SIZES, ShapesVISSpec

__all__ = [
    'CATEGORIES',
    'SIZES',
    'ShapesVISSpec',
    'generate_shapes_vis',
    'is_finished',
]
