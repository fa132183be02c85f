"""mmvis: transformer-based video instance segmentation on MMDetection."""

from mmvis.environment import check_environment
from mmvis.version import __version__

check_environment()

# Only now: what follows imports torch and the stack.
from mmengine.config.utils import MODULE2PACKAGE  # noqa: E402

from mmvis.ops import ensure_mmcv_ext  # noqa: E402

# MMDetection imports `mmcv.ops`, which looks its compiled functions up by name:
# the stand-in has to be there before anything else of mmvis is imported.
ensure_mmcv_ext()

# MMEngine reads configs as 'package::path' only of the packages in this table.
MODULE2PACKAGE['mmvis'] = 'mmvis'

__all__ = ['__version__']
