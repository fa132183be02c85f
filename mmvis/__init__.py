"""mmvis: transformer-based video instance segmentation on MMDetection."""

from mmvis.environment import check_environment
from mmvis.version import __version__

check_environment()

# Only now: it imports MMEngine, which the check may miss. And before all else of mmvis,
# which imports MMDetection.
from mmvis.stack import adapt_stack

adapt_stack()

__all__ = ['__version__']
