"""VidEoMT."""

from mmvis.models.vis.base import ClipVISModel
from mmvis.registry import MODELS

__all__ = ['VidEoMT']


@MODELS.register_module()
class VidEoMT(ClipVISModel):
    """Your ViT is secretly also a video segmentation model.

    Norouzi et al., CVPR 2026. A composition of
    :class:`~mmvis.models.backbones.VisionTransformer`, which sees single frames,
    and :class:`~mmvis.models.vis_heads.VidEoMTHead`, the last blocks of the same
    network. Without propagation of queries it is EoMT (Kerssies et al., CVPR 2025).
    """
