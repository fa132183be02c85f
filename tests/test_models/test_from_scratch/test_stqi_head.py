import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.models.from_scratch import FromScratchSTQIHead
from mmvis.registry import MODELS


@pytest.fixture
def build(request):
    init_default_scope('mmvis')
    root = request.config.rootpath / 'configs' / '_base_' / 'models'
    cfg = Config.fromfile(root / 'tevit_small.py').model

    def build(**head):
        torch.manual_seed(0)
        model = MODELS.build(dict(cfg, head=dict(cfg.head, **head)))
        model.init_weights()
        return model.eval()

    return build


def test_boxes_are_enlarged_and_clipped(build):
    head = build(type='FromScratchSTQIHead', mask_box_scale=1.5).head
    assert isinstance(head, FromScratchSTQIHead)
    boxes = [[40.0, 20, 60, 30], [-10, 30, 30, 50], [90, -40, 130, -20]]
    bboxes = torch.tensor(boxes).expand(1, 2, 3, 4)
    grown = head.mask_bboxes(bboxes, torch.tensor([[100.0, 50, 100, 50]]))
    assert grown[0, 1].tolist() == [
        [35, 17.5, 65, 32.5],
        [0, 25, 40, 50],
        [80, 0, 100, 1],
    ]


def test_masks_are_made_there(build):
    frames = torch.rand(1, 2, 3, 48, 64)
    with torch.no_grad():
        plain = build()(frames)
        same = build(type='FromScratchSTQIHead', mask_box_scale=1.0)(frames)
        grown = build(type='FromScratchSTQIHead', mask_box_scale=1.3)(frames)
    assert torch.equal(plain['bboxes'], grown['bboxes'])
    assert torch.equal(plain['mask_bboxes'], plain['bboxes'])
    inside = (plain['bboxes'] >= 0).all(-1) & (
        plain['bboxes'] <= torch.tensor([64.0, 48, 64, 48])
    ).all(-1)
    assert inside.any()
    close = dict(rtol=0, atol=1e-4)
    torch.testing.assert_close(
        plain['mask_logits'][inside], same['mask_logits'][inside], **close
    )
    assert not torch.equal(plain['mask_logits'], grown['mask_logits'])
    sizes = grown['mask_bboxes'][..., 2:] - grown['mask_bboxes'][..., :2]
    before = grown['bboxes'][..., 2:] - grown['bboxes'][..., :2]
    assert (sizes / before).max().item() == pytest.approx(1.3, abs=1e-4)


def test_scale_below_one_is_refused(build):
    with pytest.raises(ValueError, match=r'`head\.mask_box_scale` .* got 0\.9'):
        build(type='FromScratchSTQIHead', mask_box_scale=0.9)
