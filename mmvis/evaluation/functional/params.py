"""Constants of the YouTube-VIS protocol."""

from __future__ import annotations

import numpy as np

__all__ = ['AREA_RANGES', 'IOU_THRS', 'MAX_DETS', 'RECALL_THRS']

IOU_THRS = np.linspace(0.5, 0.95, 10)
"""IoU thresholds, shape (T,)."""

RECALL_THRS = np.linspace(0.0, 1.0, 101)
"""Recall points at which the precision is read, shape (R,)."""

MAX_DETS = (1, 10, 100)
"""Predictions that count per video and category, ascending, length M."""

AREA_RANGES = {
    'all': (0.0, 1e10),
    'small': (0.0, 128.0**2),
    'medium': (128.0**2, 256.0**2),
    'large': (256.0**2, 1e10),
}
"""Ranges of a track's mean area in square pixels, both ends inclusive."""
