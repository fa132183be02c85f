import torch

from mmvis.models.roi_heads import GridRPNHead


def test_boxes_start_as_a_grid():
    head = GridRPNHead(num_proposals=5, proposal_feature_channel=8, box_size=0.5)
    head.init_weights()
    third = 1 / 6
    expected = [
        [third, third, 0.5, 0.5],
        [0.5, third, 0.5, 0.5],
        [5 * third, third, 0.5, 0.5],
        [third, 0.5, 0.5, 0.5],
        [0.5, 0.5, 0.5, 0.5],
    ]
    boxes = head.init_proposal_bboxes.weight
    torch.testing.assert_close(boxes, torch.tensor(expected))
    assert boxes.requires_grad
