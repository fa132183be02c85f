"""Sources of frames: files, folders, arrays, generators, cameras, URLs."""

from mmvis.lazy_exports import lazy_exports

# Arrays need torch, video files do not.
__getattr__, __all__ = lazy_exports(__name__, __file__)
