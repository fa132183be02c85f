import pytest
from mmengine.optim import build_optim_wrapper

import mmvis.engine  # noqa: F401  (registers the constructor)
from mmvis.registry import MODELS
from mmvis.testing import videomt_cfg

pytestmark = pytest.mark.usefixtures('mmvis_scope')


def build(model, **paramwise):
    cfg = dict(
        type='OptimWrapper',
        optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
        constructor='BlockDecayConstructor',
        paramwise_cfg=paramwise,
    )
    return build_optim_wrapper(model, cfg)


def test_rates_fall_from_the_last_block_of_the_head_to_the_patches():
    model = MODELS.build(videomt_cfg(num_frame_blocks=2, num_query_blocks=2))
    wrapper = build(model, block_decay=0.5)
    rates = {}
    for group in wrapper.optimizer.param_groups:
        assert group['weight_decay'] == 0.05
        for p in group['params']:
            rates[p] = (group['lr'] / 1e-4, group['pretrained'])
    expected = {
        'backbone.patch_embed.weight': (1 / 8, True),
        'backbone.pos_embed': (1 / 8, True),
        'backbone.blocks.0.attn.qkv.bias': (1 / 8, True),
        'backbone.blocks.1.norm1.weight': (1 / 4, True),
        'head.blocks.0.mlp.fc1.weight': (1 / 2, True),
        'head.blocks.1.ls2.gamma': (1, True),
        'head.norm.weight': (1, True),
        'head.query_feat.weight': (1, False),
        'head.class_embed.bias': (1, False),
        'head.upscaler.steps.0.conv1.weight': (1, False),
        'head.query_updater.weight': (1, False),
    }
    parameters = dict(model.named_parameters())
    for name, (rate, pretrained) in expected.items():
        assert rates[parameters[name]] == (pytest.approx(rate), pretrained), name
    assert set(rates) == set(parameters.values())


def test_frozen_parameters_are_left_out():
    model = MODELS.build(videomt_cfg())
    model.backbone.blocks[0].requires_grad_(False)
    wrapper = build(model, block_decay=0.5)
    given = {p for group in wrapper.optimizer.param_groups for p in group['params']}
    assert given == {p for p in model.parameters() if p.requires_grad}


def test_a_backbone_without_blocks():
    model = MODELS.build(videomt_cfg())
    model.backbone.blocks = None
    with pytest.raises(ValueError, match=r'for backbones with `blocks`.*has none'):
        build(model, block_decay=0.5)


@pytest.mark.parametrize(
    ('paramwise', 'message'),
    [
        (dict(), r'block_decay and nothing else, got \[\]'),
        (dict(block_decay=0.6, norm_decay_mult=0), 'nothing else, got'),
        (dict(block_decay=1.2), r'must be in \(0, 1\], got 1.2'),
    ],
)
def test_wrong_values_are_named(paramwise, message):
    with pytest.raises((KeyError, ValueError), match=message):
        build(MODELS.build(videomt_cfg()), **paramwise)
