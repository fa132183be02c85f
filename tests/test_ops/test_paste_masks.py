import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask

from mmvis.ops import paste_masks

SIZE = (40, 60)
BOXES = {
    'inside': [10.3, 5.7, 30.2, 33.1],
    'across the border': [-12.0, 20.5, 15.0, 55.0],
    'one pixel': [20.2, 20.1, 20.9, 21.3],
    'around the image': [-30.0, -20.0, 100.0, 90.0],
}


@pytest.mark.parametrize('bbox', BOXES.values(), ids=BOXES)
def test_equals_mmdetections_pasting(bbox):
    torch.manual_seed(0)
    masks, bboxes = torch.rand(1, 28, 28), torch.tensor([bbox])
    expected, _ = _do_paste_mask(masks[:, None], bboxes, *SIZE, skip_empty=False)
    pasted = paste_masks(masks, bboxes, SIZE)
    torch.testing.assert_close(pasted, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    'bbox',
    [[70.0, 5, 90, 20], [-20.0, -20, -5, -5], [10.0, 10, 10, 20], [30.0, 20, 10, 5]],
    ids=['right of it', 'above it', 'empty', 'turned'],
)
def test_boxes_without_a_pixel(bbox):
    pasted = paste_masks(torch.ones(1, 28, 28), torch.tensor([bbox]), SIZE)
    assert pasted.shape == (1, *SIZE)
    assert pasted.sum() == 0


def test_no_masks():
    pasted = paste_masks(torch.zeros(0, 28, 28), torch.zeros(0, 4), SIZE)
    assert pasted.shape == (0, *SIZE)
