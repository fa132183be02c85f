"""The methods: thin compositions of the parts."""

from mmvis.models.vis.base import ClipVISModel
from mmvis.models.vis.ifc import IFC

__all__ = ['IFC', 'ClipVISModel']
