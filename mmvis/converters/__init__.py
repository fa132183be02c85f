"""From published checkpoints of the original code to mmvis."""

from mmvis.converters.checkpoint_file import read_tensors
from mmvis.converters.ifc import convert_ifc, num_classes_of

__all__ = ['convert_ifc', 'num_classes_of', 'read_tensors']
