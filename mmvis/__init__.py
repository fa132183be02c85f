"""mmvis: transformer-based video instance segmentation on MMDetection."""

from mmvis.ops import ensure_mmcv_ext
from mmvis.version import __version__

# MMDetection imports `mmcv.ops`, which looks its compiled functions up by name:
# the stand-in has to be there before anything else of mmvis is imported.
ensure_mmcv_ext()

__all__ = ['__version__']
