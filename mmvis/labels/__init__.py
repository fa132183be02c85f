"""Labels of people's own data: converted between formats, checked and cleaned."""

from mmvis.labels.check import CheckedLabels, check_labels
from mmvis.labels.convert import READERS, WRITERS, convert_labels

__all__ = ['READERS', 'WRITERS', 'CheckedLabels', 'check_labels', 'convert_labels']
