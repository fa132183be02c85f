"""Conversion, check and cleaning of labels."""

from mmvis.labels.check import CheckedLabels, check_labels
from mmvis.labels.convert import READERS, WRITERS, convert_labels

__all__ = ['READERS', 'WRITERS', 'CheckedLabels', 'check_labels', 'convert_labels']
