"""Converters of published checkpoints."""

from mmvis.lazy_exports import lazy_exports

# All of them need torch.
__getattr__, __all__ = lazy_exports(__name__, __file__)
