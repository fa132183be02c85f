"""IFC."""

from mmvis.models.vis.base import ClipVISModel
from mmvis.registry import MODELS

__all__ = ['IFC']


@MODELS.register_module()
class IFC(ClipVISModel):
    """Video instance segmentation using inter-frame communication transformers.

    Hwang et al., NeurIPS 2021, arXiv 2106.03299. A composition of a per-frame
    backbone, :class:`~mmvis.models.necks.MemoryTokenNeck` and
    :class:`~mmvis.models.vis_heads.IFCHead`.
    """
