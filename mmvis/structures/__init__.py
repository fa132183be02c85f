"""Data structures of clips and videos."""

from mmvis.lazy_exports import lazy_exports

# Most of them need torch.
__getattr__, __all__ = lazy_exports(__name__, __file__)
