"""VisTR."""

from mmvis.models.vis.base import ClipVISModel
from mmvis.registry import MODELS

__all__ = ['VisTR']


@MODELS.register_module()
class VisTR(ClipVISModel):
    """End-to-end video instance segmentation with transformers.

    Wang et al., CVPR 2021, arXiv 2011.14503. A composition of a per-frame backbone,
    :class:`~mmvis.models.necks.SpaceTimeEncoderNeck` and
    :class:`~mmvis.models.vis_heads.VisTRHead`.
    """
