"""Results of frames and videos, and output files."""

from mmvis.lazy_exports import lazy_exports

# Results need torch, names do not.
__getattr__, __all__ = lazy_exports(__name__, __file__)
