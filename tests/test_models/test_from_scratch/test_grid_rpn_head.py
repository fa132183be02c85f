import pytest
import torch

from mmvis.models.from_scratch import GridRPNHead


def test_boxes_start_as_a_grid():
    head = GridRPNHead(
        grid=(2, 3),
        box_size=(0.4, 0.5),
        num_proposals=6,
        proposal_feature_channel=8,
    )
    head.init_weights()
    expected = [
        [1 / 6, 0.25, 0.4, 0.5],
        [0.5, 0.25, 0.4, 0.5],
        [5 / 6, 0.25, 0.4, 0.5],
        [1 / 6, 0.75, 0.4, 0.5],
        [0.5, 0.75, 0.4, 0.5],
        [5 / 6, 0.75, 0.4, 0.5],
    ]
    boxes = head.init_proposal_bboxes.weight
    torch.testing.assert_close(boxes, torch.tensor(expected))
    assert boxes.requires_grad


def test_grid_and_number_of_boxes_must_agree():
    with pytest.raises(ValueError, match='points has 6 boxes, but'):
        GridRPNHead(grid=(2, 3), num_proposals=5, proposal_feature_channel=8)
