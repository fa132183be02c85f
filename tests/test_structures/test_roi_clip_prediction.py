import pytest
import torch

from mmvis import memory_limits
from mmvis.structures import RoIClipPrediction, roi_clip_prediction

GRID = (6, 8)
# Columns 2 to 5 and rows 2 and 3 of the grid; two cells of a mask are 4 columns.
BOX = [2 / 8, 2 / 6, 6 / 8, 4 / 6]
COLUMNS = torch.tensor([0, 0.25, 0.75, 1, 1, 0.75, 0.25, 0])
ROWS = torch.tensor([0.0, 0, 1, 1, 0, 0])


def predict(roi_logits, bboxes):
    cls_probs = torch.full((len(bboxes), 4), 0.25)
    return RoIClipPrediction(cls_probs, roi_logits, bboxes, GRID)


def test_masks_fill_their_boxes():
    lower = torch.tensor(BOX) + torch.tensor([0, 1 / 6, 0, 1 / 6])
    outside = torch.tensor(BOX) + torch.tensor([1.0, 0, 1, 0])
    bboxes = torch.stack(
        [
            torch.stack([torch.tensor(BOX), lower]),
            torch.stack([torch.tensor(BOX), outside]),
        ]
    )  # (N, T, 4)
    probs = torch.tensor([[0.8, 0.4], [0.6, 0.8]])
    roi_logits = probs.logit()[..., None, None].expand(2, 2, 2, 2)
    prediction = predict(roi_logits, bboxes)
    assert len(prediction) == 2
    place = torch.outer(ROWS, COLUMNS)
    expected = torch.stack(
        [
            torch.stack([0.8 * place, 0.4 * place.roll(1, dims=0)]),
            torch.stack([0.6 * place, torch.zeros(GRID)]),
        ]
    )
    # Nothing is surer than 1 %.
    torch.testing.assert_close(prediction.mask_logits.sigmoid(), expected.clamp(0.01))


@pytest.mark.parametrize(('logit', 'expected'), [(20.0, 0.99), (-20.0, 0.01)])
def test_sure_masks_stay_finite(logit, expected):
    prediction = predict(
        torch.full((1, 1, 2, 2), logit).half(), torch.tensor([[[0.0, 0, 1, 1]]])
    )
    assert prediction.mask_logits.dtype == torch.float32
    centre = prediction.mask_logits[0, 0, 2:4, 3:5].sigmoid()
    torch.testing.assert_close(centre, torch.full((2, 2), expected))


def test_no_prediction():
    prediction = predict(torch.zeros(0, 3, 2, 2), torch.zeros(0, 3, 4))
    assert len(prediction) == 0
    assert prediction.mask_logits.shape == (0, 3, *GRID)


def test_a_bounded_number_of_masks_is_pasted_at_once(monkeypatch):
    torch.manual_seed(0)
    corners = torch.rand(3, 5, 2) / 2
    bboxes = torch.cat([corners, corners + 0.5], dim=-1)
    roi_logits = torch.randn(3, 5, 5, 5)
    expected = predict(roi_logits, bboxes).mask_logits
    nums, paste_masks = [], roi_clip_prediction.paste_masks

    def count(masks, *args):
        nums.append(len(masks))
        return paste_masks(masks, *args)

    monkeypatch.setattr(roi_clip_prediction, 'paste_masks', count)
    monkeypatch.setattr(memory_limits, 'PASTED_MASKS_AT_ONCE', 4)
    torch.testing.assert_close(predict(roi_logits, bboxes).mask_logits, expected)
    assert nums == [4, 4, 4, 3]
