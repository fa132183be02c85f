import json
from functools import partial
from pathlib import Path

import pytest
import torch
from mmdet.models.backbones import PyramidVisionTransformerV2
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.apis import init_model
from mmvis.commands.convert import tevit
from mmvis.converters import (
    convert_pvt_v2,
    convert_tevit,
    pvt_v2_sizes_of,
    tevit_sizes_of,
)
from mmvis.converters.tevit import old_names_of
from mmvis.models.backbones import MsgShifT
from mmvis.registry import MODELS
from mmvis.testing import find_golden, load_pseudo

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools' / 'model_converters' / 'tevit_to_mmvis.py'
CONFIG_OF = dict(
    msgshift='tevit_msgshift.py', r50='tevit_r50.py', swinl='tevit_swin-l_mst.py'
)


def read_manifest(variant):
    return json.loads(find_golden(f'tevit/manifest_{variant}.json').read_text())


def pseudo_weights(variant):
    weights = load_pseudo().pseudo_state_dict(read_manifest(variant))
    return {name: torch.from_numpy(value) for name, value in weights.items()}


@pytest.mark.parametrize('variant', CONFIG_OF)
def test_names_and_shapes_are_those_of_the_original(variant):
    init_default_scope('mmvis')
    cfg = Config.fromfile(REPO / 'configs' / CONFIG_OF[variant])
    cfg.model.backbone.init_cfg = None
    parts = {'backbone.': MODELS.build(cfg.model.backbone)}
    with torch.device('meta'):  # no time for values
        parts['necks.0.'] = MODELS.build(cfg.model.neck)
        parts['head.'] = MODELS.build(cfg.model.head)
    ours = {
        prefix + name: list(value.shape)
        for prefix, part in parts.items()
        for name, value in part.state_dict().items()
    }
    manifest = read_manifest(variant)
    old_names = old_names_of(manifest)
    assert ours == {new: manifest[old]['shape'] for new, old in old_names.items()}


@pytest.fixture
def convert(run_converter):
    return partial(run_converter, 'tevit_to_mmvis.py')


def test_published_checkpoint_converts_and_loads(convert, tmp_path):
    source = pseudo_weights('msgshift')
    torch.save(dict(state_dict=source, meta={}), tmp_path / 'src.pth')
    result = convert(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode == 0, result.stderr
    config = REPO / 'configs' / 'tevit_msgshift.py'
    model = init_model(config, str(tmp_path / 'dst.pth'))
    assert torch.equal(model.backbone.msg_tokens, source['backbone.msg_tokens'])
    weight = model.head.roi_head.mask_head[5].upsample.weight
    assert torch.equal(weight, source['roi_head.mask_head.5.upsample.weight'])


def small_model(**head):
    """TeViT of the published names, with few and small weights."""
    init_default_scope('mmvis')
    cfg = Config.fromfile(REPO / 'configs' / 'tevit_msgshift.py')
    cfg.model.backbone.update(init_cfg=None, embed_dims=8)
    cfg.model.neck.in_channels = [8, 16, 40, 64]
    cfg.model.head.roi_head.num_stages = 1
    cfg.model.head.roi_head.stage_loss_weights = [1]
    cfg.model.head.update(head)
    return MODELS.build(cfg.model)


@pytest.fixture(scope='module')
def small():
    return small_model()


def published(state_dict):
    """Weights by the names of the original."""
    rename = {'necks.0.': 'neck.', 'head.': ''}
    names = {}
    for name in state_dict:
        old = next((p for p in rename if name.startswith(p)), '')
        names[rename.get(old, '') + name.removeprefix(old)] = state_dict[name]
    return names


def test_queryinst_starts_msgshift(small):
    """QueryInst with PVTv2 lacks the messenger tokens only."""
    expected = small.state_dict()
    source = published(expected)
    tokens = source.pop('backbone.msg_tokens')
    weights = convert_tevit(source, expected)
    assert weights.keys() == expected.keys()
    assert torch.equal(weights['backbone.msg_tokens'], tokens)


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (lambda w: w.pop('rpn_head.init_proposal_bboxes.weight'), KeyError, 'lacks 1'),
        (lambda w: w.update(extra=torch.zeros(1)), KeyError, "Unknown weight 'extra'"),
        (
            lambda w: w.update({'backbone.msg_tokens': torch.zeros(1, 8, 3)}),
            ValueError,
            r'\(1, 8, 3\)',
        ),
    ],
)
def test_refuses_what_does_not_fit(small, change, error, message):
    expected = small.state_dict()
    source = published(expected)
    change(source)
    with pytest.raises(error, match=message):
        convert_tevit(source, expected)


def test_other_checkpoints_are_named(convert, tmp_path):
    torch.save(dict(state_dict={'x': torch.zeros(1)}), tmp_path / 'src.pth')
    result = convert(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode == 2
    assert 'neither TeViT nor QueryInst' in result.stderr
    assert not (tmp_path / 'dst.pth').exists()


def original_pvt_names(name, value):
    """A weight of MMDetection's PVTv2 in the names of PVT's repository."""
    _, stage, part, *rest = name.split('.')
    stage, rest = int(stage) + 1, '.'.join(rest)
    if part == '0':
        rest = rest.replace('projection', 'proj')
        return {f'patch_embed{stage}.{rest}': value}
    if part == '2':
        return {f'norm{stage}.{rest}': value}
    for new, old in [
        ('attn.attn.out_proj', 'attn.proj'),
        ('ffn.layers.0', 'mlp.fc1'),
        ('ffn.layers.1', 'mlp.dwconv.dwconv'),
        ('ffn.layers.4', 'mlp.fc2'),
    ]:
        if new in rest:
            is_linear = 'fc' in old and value.dim() == 4
            value = value[:, :, 0, 0] if is_linear else value
        rest = rest.replace(new, old)
    if 'in_proj' in rest:
        kind = rest.rpartition('_')[2]
        C = len(value) // 3
        prefix = f'block{stage}.{rest.partition(".")[0]}.attn'
        return {f'{prefix}.q.{kind}': value[:C], f'{prefix}.kv.{kind}': value[C:]}
    return {f'block{stage}.{rest}': value}


# PVTv2 (Wang et al., 2022), table 1, in an eighth of its width.
PVT_SIZES = dict(
    b0=dict(embed_dims=4, num_layers=[2, 2, 2, 2], mlp_ratios=[8, 8, 4, 4]),
    b1=dict(embed_dims=8, num_layers=[2, 2, 2, 2], mlp_ratios=[8, 8, 4, 4]),
    b2=dict(embed_dims=8, num_layers=[3, 4, 6, 3], mlp_ratios=[8, 8, 4, 4]),
    b5=dict(embed_dims=8, num_layers=[3, 6, 40, 3], mlp_ratios=[4, 4, 4, 4]),
)


def original_pvt(sizes):
    """A PVTv2 of MMDetection, and its weights by the names of PVT's repository."""
    init_default_scope('mmvis')
    pvt = PyramidVisionTransformerV2(**sizes)
    source = {'head.weight': torch.zeros(1000, 4), 'head.bias': torch.zeros(1000)}
    for name, value in pvt.state_dict().items():
        source |= original_pvt_names(name, value)
    return pvt, source


@pytest.mark.parametrize('variant', PVT_SIZES)
def test_pvt_v2_of_imagenet_fits_msgshift(variant):
    pvt, source = original_pvt(PVT_SIZES[variant])
    assert pvt_v2_sizes_of(source) == PVT_SIZES[variant]
    expected = MsgShifT(**PVT_SIZES[variant]).state_dict()
    weights = convert_pvt_v2(source, expected)
    assert weights.keys() == expected.keys()
    for name, value in pvt.state_dict().items():
        assert torch.equal(weights[name], value), name
    assert torch.equal(weights['msg_tokens'], expected['msg_tokens'])


def test_tool_finds_the_sizes_of_pvt_v2(capsys):
    pvt, source = original_pvt(PVT_SIZES['b2'])
    weights = tevit.convert(source, None)
    assert weights.keys() == pvt.state_dict().keys()
    options = capsys.readouterr().out.split()[-3:]
    assert options == [
        'model.backbone.embed_dims=8',
        'model.backbone.num_layers="[3,4,6,3]"',
        'model.neck.in_channels="[8,16,40,64]"',
    ]


def test_pvt_v2_lacks_a_stage():
    _, source = original_pvt(PVT_SIZES['b1'])
    source = {n: v for n, v in source.items() if not n.startswith('block3.')}
    with pytest.raises(KeyError, match=r'lacks "block3\.0\.mlp'):
        pvt_v2_sizes_of(source)


@pytest.mark.parametrize(
    ('config', 'backbone', 'num_proposals'),
    [
        ('tevit_r50.py', 'backbone.conv1.weight', 100),
        ('tevit_r50.py', 'backbone.conv1.weight', 300),
        ('tevit_swin-l_mst.py', 'backbone.patch_embed.proj.weight', 300),
    ],
)
def test_tool_finds_config_and_queries(capsys, config, backbone, num_proposals):
    tensors = {
        backbone: torch.zeros(1),
        'roi_head.bbox_head.0.fc_cls.weight': torch.zeros(80, 256),
        'rpn_head.init_proposal_bboxes.weight': torch.zeros(num_proposals, 4),
    }
    assert tevit_sizes_of(tensors) == dict(num_classes=80, num_proposals=num_proposals)
    model_cfg = tevit.load_fitting_cfg(tensors, None)
    published = Config.fromfile(REPO / 'configs' / config).model
    assert model_cfg.backbone.type == published.backbone.type
    assert model_cfg.head.num_classes == 80
    assert model_cfg.head.rpn_head.num_proposals == num_proposals
    output = capsys.readouterr().out
    is_other = num_proposals != published.head.rpn_head.num_proposals
    override = f'--cfg-options model.head.rpn_head.num_proposals={num_proposals}\n'
    assert (override in output) == is_other
    assert bool(output) == is_other


def original_swin_name(name):
    """The name that a weight of MMDetection's Swin has in Microsoft's repository."""
    if not name.startswith('backbone.'):
        return name
    for new, old in [
        ('stages.', 'layers.'),
        ('w_msa.', ''),
        ('ffn.layers.0.0', 'mlp.fc1'),
        ('ffn.layers.1', 'mlp.fc2'),
        ('projection', 'proj'),
    ]:
        name = name.replace(new, old)
    return name


def merge_patches(x, weights, prefix):
    """Microsoft's merging of (1, h, w, C): rows of a 2 x 2 patch before columns."""
    x = torch.cat([x[:, i::2, j::2] for j in range(2) for i in range(2)], dim=-1)
    norm = [weights[f'{prefix}.norm.{kind}'] for kind in ('weight', 'bias')]
    x = torch.nn.functional.layer_norm(x, x.shape[-1:], *norm)
    return x.flatten(1, 2) @ weights[f'{prefix}.reduction.weight'].T


def swin_model():
    """TeViT on a Swin with few and small weights, which are not those of Swin-L."""
    init_default_scope('mmvis')
    cfg = Config.fromfile(REPO / 'configs' / 'tevit_swin-l_mst.py')
    cfg.model.backbone.update(
        init_cfg=None, embed_dims=8, depths=(1, 2, 1, 1), num_heads=(1, 2, 2, 4)
    )
    cfg.model.neck.in_channels = [8, 16, 32, 64]
    cfg.model.head.roi_head.num_stages = 1
    cfg.model.head.roi_head.stage_loss_weights = [1]
    return MODELS.build(cfg.model)


def test_swin_of_queryinst_converts():
    model = swin_model()
    expected = {name: v.clone() for name, v in model.state_dict().items()}
    source = {original_swin_name(n): v for n, v in published(expected).items()}
    prefix = 'backbone.layers.0.downsample'
    for name in ('norm.weight', 'norm.bias'):
        source[f'{prefix}.{name}'] = torch.randn(32)
    weights = convert_tevit(source, expected)
    assert weights.keys() == expected.keys()
    index = 'attn.w_msa.relative_position_index'
    name = f'backbone.stages.1.blocks.1.{index}'
    assert torch.equal(weights[name], expected[name])
    name = 'backbone.stages.0.blocks.0.ffn.layers.0.0.weight'
    assert torch.equal(
        weights[name], source['backbone.layers.0.blocks.0.mlp.fc1.weight']
    )
    model.load_state_dict(weights)
    x = torch.randn(1, 4, 6, 8)
    merged, _ = model.backbone.stages[0].downsample(x.flatten(1, 2), (4, 6))
    torch.testing.assert_close(merged, merge_patches(x, source, prefix))


def test_swin_of_queryinst_is_checked():
    expected = swin_model().state_dict()
    source = {original_swin_name(n): v for n, v in published(expected).items()}
    weight = source.pop('backbone.layers.1.blocks.1.attn.qkv.weight')
    with pytest.raises(KeyError, match=r'lacks 1 .*stages\.1\.blocks\.1\.attn\.w_msa'):
        convert_tevit(source, expected)
    source['backbone.layers.1.blocks.1.attn.qkv.weight'] = weight[:3]
    with pytest.raises(ValueError, match=r'\(3, 16\)'):
        convert_tevit(source, expected)
