import pytest
import torch
from mmdet.models.roi_heads.bbox_heads import DIIHead
from mmengine.config import Config

from mmvis import memory_limits
from mmvis.models.roi_heads import ClipDIIHead
from mmvis.registry import MODELS
from mmvis.testing import load_pseudo

pytestmark = pytest.mark.usefixtures('mmvis_scope')
pseudo = load_pseudo()
CLOSE = dict(atol=1e-4, rtol=0)


def inputs(recipe):
    B, T, n = recipe['B'], recipe['T'], recipe['n']
    shapes = dict(
        roi_feat=((B * T * n, 256, 7, 7), 112),
        proposal_feat=((B * T, n, 256), 48),
        mask_roi_feat=((4, 256, 14, 14), 224),
    )
    return {
        name: torch.from_numpy(pseudo.pseudo_tensor(f'unit.{name}', shape) * factor)
        for name, (shape, factor) in shapes.items()
    }


@torch.no_grad()
@pytest.mark.parametrize('prefix', ['stqi', 'stqi_len1'])
def test_one_stage_is_that_of_the_original(tevit_golden, prefix, request):
    golden = tevit_golden('stqi_head', 'r50')
    cfg = Config.fromfile(request.config.rootpath / 'configs' / 'tevit_r50.py')
    heads = []
    for name in ('bbox_head', 'mask_head'):
        head = MODELS.build(dict(cfg.model.head.roi_head[name], num_classes=40))
        stage = f'roi_head.{name}.{golden.recipe["stage"]}.'
        heads.append(golden.load_part(head, stage))
    bbox_head, mask_head = heads
    x = inputs(golden.recipe)
    B, T = golden.recipe['B'], golden.recipe['T']
    clips = (B, T) if prefix == 'stqi' else (B * T, 1)
    queries = x['proposal_feat'].unflatten(0, clips)
    outputs = bbox_head(x['roi_feat'], queries)
    cls_logits, deltas, obj_feat, attn_feats = (y.flatten(0, 1) for y in outputs)
    expected = golden[f'{prefix}/cls_score']
    torch.testing.assert_close(cls_logits, expected, **CLOSE)
    expected = golden[f'{prefix}/attn_feats']
    torch.testing.assert_close(attn_feats[..., ::4], expected, **CLOSE)
    if prefix == 'stqi':
        torch.testing.assert_close(deltas, golden['stqi/bbox_delta'], **CLOSE)
        expected = golden['stqi/obj_feat']
        torch.testing.assert_close(obj_feat[..., ::4], expected, **CLOSE)
        logits = mask_head(x['mask_roi_feat'], attn_feats.flatten(0, 1)[:4])
        picked = logits[:, ::4, ::2, ::2]
        torch.testing.assert_close(picked, golden['mask/logits'], **CLOSE)


def tiny_head(**kwargs):
    torch.manual_seed(0)
    dynamic_conv = dict(
        type='DynamicConv', in_channels=16, feat_channels=4, input_feat_shape=3
    )
    head = ClipDIIHead(
        num_classes=5,
        in_channels=16,
        num_heads=2,
        feedforward_channels=8,
        dynamic_conv_cfg=dynamic_conv,
        loss_cls=dict(type='FocalLoss', use_sigmoid=True),
        **kwargs,
    )
    return head.eval()


@torch.no_grad()
def test_order_of_frames_does_not_matter():
    head = tiny_head()
    roi_feat, queries = torch.randn(2, 3, 4, 16, 3, 3), torch.randn(2, 3, 4, 16)
    order = torch.tensor([2, 0, 1])
    outputs = head(roi_feat.flatten(0, 2), queries)
    shuffled = head(roi_feat[:, order].flatten(0, 2), queries[:, order])
    for x, y in zip(outputs, shuffled):
        torch.testing.assert_close(x[:, order], y)
    assert outputs[0].shape == (2, 3, 4, 5)


@torch.no_grad()
def test_without_temporal_attention_it_is_mmdetections_head():
    head = tiny_head(temporal_attention=False)
    roi_feat, queries = torch.randn(12, 16, 3, 3), torch.randn(1, 3, 4, 16)
    expected = DIIHead.forward(head, roi_feat, queries[0])
    for x, y in zip(head(roi_feat, queries), expected):
        torch.testing.assert_close(x[0], y)


@torch.no_grad()
@pytest.mark.parametrize('temporal_attention', [True, False])
def test_parts_change_nothing(temporal_attention, monkeypatch):
    head = tiny_head(temporal_attention=temporal_attention)
    roi_feat, queries = torch.randn(24, 16, 3, 3), torch.randn(2, 3, 4, 16)
    expected = head(roi_feat, queries)
    monkeypatch.setattr(memory_limits, 'DYNAMIC_KERNELS_AT_ONCE', 7)
    for x, y in zip(head(roi_feat, queries), expected):
        torch.testing.assert_close(x, y)
