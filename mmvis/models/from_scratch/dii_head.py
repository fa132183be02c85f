"""TeViT's stage with initial box deltas of zero."""

from torch import nn

from mmvis.models.roi_heads import ClipDIIHead
from mmvis.registry import MODELS

__all__ = ['FromScratchDIIHead']


@MODELS.register_module()
class FromScratchDIIHead(ClipDIIHead):
    """A :class:`ClipDIIHead` whose initial box deltas are zero.

    Training then starts from the boxes of the previous stage instead of random
    deltas, as in Deformable DETR (Zhu et al., ICLR 2021).
    """

    def init_weights(self) -> None:
        """Initialise as the parent does, but the box deltas with zero."""
        super().init_weights()
        nn.init.zeros_(self.fc_reg.weight)
