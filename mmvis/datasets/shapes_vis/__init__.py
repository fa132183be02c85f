"""ShapesVIS: a synthetic data set in the format of YouTube-VIS."""

from .contours import CATEGORIES
from .generate import generate_shapes_vis, is_finished
from .spec import SIZES, ShapesVISSpec

__all__ = ['CATEGORIES', 'SIZES', 'ShapesVISSpec', 'generate_shapes_vis', 'is_finished']
