"""TeViT."""

from mmvis.models.vis.base import ClipVISModel
from mmvis.registry import MODELS

__all__ = ['TeViT']


@MODELS.register_module()
class TeViT(ClipVISModel):
    """Temporally efficient vision transformer for video instance segmentation.

    Yang et al., CVPR 2022, arXiv 2204.08412. A composition of
    :class:`~mmvis.models.backbones.MsgShifT` or any other backbone, MMDetection's FPN
    and :class:`~mmvis.models.roi_heads.STQIHead`.
    """
