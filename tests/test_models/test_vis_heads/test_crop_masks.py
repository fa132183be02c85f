import torch

from mmvis.models.vis_heads import crop_masks


def test_whole_cells_are_cut():
    masks = torch.arange(24.0).view(1, 4, 6)
    cropped = crop_masks(masks, (8, 20), mask_stride=4)
    assert torch.equal(cropped, masks[:, :2, :5])


def test_a_frame_that_ends_within_a_cell_is_covered_exactly():
    # A ramp of one unit a pixel, from 2 in the centre of the first cell of 4 pixels.
    ramp = 4 * torch.arange(6.0) + 2
    cropped = crop_masks(ramp.expand(3, 6), (12, 18), mask_stride=4)
    assert cropped.shape == (3, 5)
    # Five cells of 3.6 pixels; their centres, but never before the first cell's.
    expected = torch.tensor([2, 5.4, 9, 12.6, 16.2])
    torch.testing.assert_close(cropped, expected.expand(3, 5))
    rows = crop_masks(ramp[:, None].expand(6, 3), (18, 12), mask_stride=4)
    torch.testing.assert_close(rows, expected[:, None].expand(5, 3))


def test_without_padding_nothing_changes():
    masks = torch.randn(2, 4, 6)
    assert torch.equal(crop_masks(masks, (16, 24), mask_stride=4), masks)
