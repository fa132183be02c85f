import pytest
import torch
from mmengine.registry import init_default_scope
from torch.nn import functional as F

from mmvis.converters import convert_dinov2, is_dinov2
from mmvis.converters.dinov2 import resample_patches
from mmvis.registry import MODELS
from mmvis.testing import videomt_cfg

C = 8


@pytest.fixture(scope='module')
def model():
    init_default_scope('mmvis')
    cfg = videomt_cfg(
        embed_dims=C, num_frame_blocks=2, num_query_blocks=1, propagation=None
    )
    return MODELS.build(cfg)


@pytest.fixture
def dinov2(model):
    """Weights by Meta's names: patches of 14 pixels on a grid of 6 x 6."""
    torch.manual_seed(0)
    blocks = {
        f'blocks.{i}.{name}': torch.randn_like(value)
        for i in range(3)
        for name, value in model.backbone.blocks[0].state_dict().items()
    }
    return blocks | {
        'cls_token': torch.randn(1, 1, C),
        'register_tokens': torch.randn(1, 4, C),
        'mask_token': torch.randn(1, C),
        'pos_embed': torch.randn(1, 1 + 36, C),
        'patch_embed.proj.weight': torch.randn(C, 3, 14, 14),
        'patch_embed.proj.bias': torch.randn(C),
        'norm.weight': torch.randn(C),
        'norm.bias': torch.randn(C),
    }


def test_blocks_go_to_backbone_and_head(model, dinov2):
    assert is_dinov2(dinov2)
    ours = convert_dinov2(dinov2, model.state_dict())
    assert torch.equal(
        ours['backbone.blocks.1.ls1.gamma'], dinov2['blocks.1.ls1.gamma']
    )
    assert torch.equal(ours['head.blocks.0.ls1.gamma'], dinov2['blocks.2.ls1.gamma'])
    assert torch.equal(ours['head.norm.bias'], dinov2['norm.bias'])
    missing, unexpected = model.load_state_dict(ours, strict=False)
    assert not unexpected
    parts = {name.split('.')[1] for name in missing}
    assert all(name.startswith('head.') for name in missing)
    assert parts == {
        'query_feat',
        'class_embed',
        'mask_embed',
        'upscaler',
        'attn_mask_probs',
    }


def test_position_of_the_class_token_is_added_to_it(model, dinov2):
    ours = convert_dinov2(dinov2, model.state_dict())
    expected = dinov2['cls_token'] + dinov2['pos_embed'][:, :1]
    torch.testing.assert_close(ours['backbone.cls_token'], expected)
    grid = dinov2['pos_embed'][0, 1:].T.view(1, C, 6, 6)
    grid = F.interpolate(grid, size=(4, 4), mode='bicubic', antialias=True)
    torch.testing.assert_close(ours['backbone.pos_embed'][0].T, grid.flatten(2)[0])


def test_names_of_timm(model, dinov2):
    timm = dict(dinov2)
    del timm['mask_token']
    timm['reg_token'] = timm.pop('register_tokens')
    timm['cls_token'] = timm['cls_token'] + timm['pos_embed'][:, :1]
    timm['pos_embed'] = timm['pos_embed'][:, 1:]
    ours = convert_dinov2(timm, model.state_dict())
    expected = convert_dinov2(dinov2, model.state_dict())
    torch.testing.assert_close(ours, expected)


def test_larger_kernels_respond_to_enlarged_patches_as_before():
    """FlexiViT, Eq. 3: exact where patches are enlarged."""
    torch.manual_seed(0)
    kernel, patch = torch.randn(5, 3, 6, 6), torch.randn(2, 3, 6, 6)
    enlarged = F.interpolate(patch, size=(9, 9), mode='bicubic', antialias=True)
    expected = torch.einsum('ncij,kcij->nk', patch, kernel)
    actual = torch.einsum('ncij,kcij->nk', enlarged, resample_patches(kernel, 9))
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)
    assert resample_patches(kernel, 6) is kernel


def test_without_registers(model, dinov2):
    del dinov2['register_tokens']
    with pytest.raises(KeyError, match='not a DINOv2 with registers'):
        convert_dinov2(dinov2, model.state_dict())


def test_of_another_depth(model, dinov2):
    dinov2 = {n: v for n, v in dinov2.items() if not n.startswith('blocks.2.')}
    with pytest.raises(KeyError, match=r'lacks .* weights.*head\.blocks\.0'):
        convert_dinov2(dinov2, model.state_dict())


def test_another_head_leaves_all_blocks_to_the_backbone(dinov2):
    backbone = dict(
        type='VisionTransformer',
        embed_dims=C,
        num_blocks=3,
        layer=dict(num_heads=2),
        img_size=64,
    )
    expected = MODELS.build(backbone).state_dict()
    expected = {f'backbone.{name}': value for name, value in expected.items()}
    expected['head.blocks.0.weight'] = torch.zeros(1)  # of some other head
    ours = convert_dinov2(dinov2, expected)
    assert torch.equal(ours['backbone.norm.bias'], dinov2['norm.bias'])
    assert torch.equal(
        ours['backbone.blocks.2.ls1.gamma'], dinov2['blocks.2.ls1.gamma']
    )
    assert set(ours) == set(expected) - {'head.blocks.0.weight'}
