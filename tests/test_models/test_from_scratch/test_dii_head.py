import pytest
import torch

from mmvis.models.from_scratch import FromScratchDIIHead
from mmvis.models.roi_heads import ClipDIIHead


@pytest.mark.parametrize('kind', [FromScratchDIIHead, ClipDIIHead])
def test_boxes_stay_before_training(kind):
    torch.manual_seed(0)
    head = kind(
        num_classes=5,
        in_channels=16,
        num_heads=2,
        feedforward_channels=8,
        dynamic_conv_cfg=dict(
            type='DynamicConv', in_channels=16, feat_channels=4, input_feat_shape=3
        ),
        loss_cls=dict(type='FocalLoss', use_sigmoid=True),
    )
    head.init_weights()
    _, deltas, _, _ = head(torch.randn(12, 16, 3, 3), torch.randn(1, 3, 4, 16))
    assert (deltas == 0).all() == (kind is FromScratchDIIHead)
    deltas.sum().backward()
    assert head.fc_reg.weight.grad.any()  # they can learn to move all the same
