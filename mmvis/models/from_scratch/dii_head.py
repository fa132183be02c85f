"""TeViT's stage whose boxes stay where they are before training."""

from torch import nn

from mmvis.models.roi_heads import ClipDIIHead
from mmvis.registry import MODELS

__all__ = ['FromScratchDIIHead']


@MODELS.register_module()
class FromScratchDIIHead(ClipDIIHead):
    """A :class:`ClipDIIHead` that moves no box before training.

    A stage then begins to learn from the boxes of the one before and not from chance
    moves, as in Deformable DETR (Zhu et al., ICLR 2021).
    """

    def init_weights(self) -> None:
        """Draw initial weights as the parent does, but for the boxes' moves."""
        super().init_weights()
        nn.init.zeros_(self.fc_reg.weight)
