"""Model zoo: published weights by name."""

from mmvis.lazy_exports import lazy_exports

# Converting weights needs torch.
__getattr__, __all__ = lazy_exports(__name__, __file__)
