import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmdet.models.backbones import PyramidVisionTransformerV2
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.apis import init_model
from mmvis.converters import convert_pvt_v2, convert_tevit
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


def convert(src, dst, *options):
    command = [sys.executable, str(TOOL), str(src), str(dst), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_published_checkpoint_converts_and_loads(tmp_path):
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
    """QueryInst with PVTv2 lacks messengers only."""
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
        (lambda w: w.update(extra=torch.zeros(1)), KeyError, 'Unknown weight "extra"'),
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


def test_other_checkpoints_are_named(tmp_path):
    torch.save(dict(state_dict={'x': torch.zeros(1)}), tmp_path / 'src.pth')
    result = convert(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode != 0
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


def test_pvt_v2_of_imagenet_fits_msgshift():
    init_default_scope('mmvis')
    pvt = PyramidVisionTransformerV2(embed_dims=8, num_layers=[2, 2, 2, 2])
    source = {'head.weight': torch.zeros(1000, 64)}
    for name, value in pvt.state_dict().items():
        source |= original_pvt_names(name, value)
    expected = MsgShifT(embed_dims=8).state_dict()
    weights = convert_pvt_v2(source, expected)
    assert weights.keys() == expected.keys()
    for name, value in pvt.state_dict().items():
        assert torch.equal(weights[name], value), name
    assert torch.equal(weights['msg_tokens'], expected['msg_tokens'])
