"""Evaluation of video instance segmentation, and submissions to servers."""

from mmvis.lazy_exports import lazy_exports

# Submissions need torch.
__getattr__, __all__ = lazy_exports(__name__, __file__)
