import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from safetensors.torch import save_file

from mmvis.apis import init_model
from mmvis.converters import convert_videomt, export_videomt, videomt_sizes_of
from mmvis.registry import MODELS
from mmvis.testing import find_golden, load_pseudo, videomt_cfg

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools' / 'model_converters' / 'videomt_to_mmvis.py'
SIZES = dict(
    embed_dims=32,
    num_frame_blocks=2,
    num_query_blocks=2,
    num_queries=7,
    num_classes=5,
    num_upscale_steps=2,
    num_registers=4,
    patch_size=16,
    img_size=64,
    position='absolute',
    key_bias=True,
    propagation='linear',
)


@pytest.fixture(scope='module')
def theirs():
    """Weights by the names of transformers."""
    pseudo = load_pseudo()
    manifest = pseudo.load_manifest(find_golden('videomt/tiny_manifest.json'))
    weights = pseudo.pseudo_state_dict(manifest)
    return {name: torch.from_numpy(value) for name, value in weights.items()}


@pytest.fixture(scope='module')
def expected():
    init_default_scope('mmvis')
    return MODELS.build(videomt_cfg()).state_dict()


def run(*args):
    command = [sys.executable, str(TOOL), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_sizes(theirs, expected):
    assert videomt_sizes_of(theirs) == SIZES
    ours = convert_videomt(theirs, expected)
    assert videomt_sizes_of(export_videomt(ours, 'authors')) == SIZES


@pytest.mark.parametrize('form', ['authors', 'transformers'])
def test_round_trip_is_exact(theirs, expected, form):
    ours = convert_videomt(theirs, expected)
    exported = export_videomt(ours, form)
    again = convert_videomt(exported, expected)
    assert again.keys() == expected.keys()
    for name, value in ours.items():
        assert torch.equal(again[name], value), name
    if form == 'transformers':
        assert exported.keys() == theirs.keys()
        constants = ('criterion.empty_weight', 'embeddings.mask_token')
        for name in theirs.keys() - set(constants):
            assert torch.equal(exported[name], theirs[name]), name
        assert exported[constants[0]].tolist() == pytest.approx([1] * 5 + [0.1])


def test_names_of_the_authors(theirs, expected):
    exported = export_videomt(convert_videomt(theirs, expected), 'authors')
    for authors, name in {
        'backbone.q.weight': 'query.weight',
        'backbone.class_head.bias': 'class_predictor.bias',
        'backbone.mask_head.2.weight': 'mask_head.fc2.weight',
        'backbone.upscale.1.norm.weight': 'upscale_block.block.1.layernorm2d.weight',
        'backbone.encoder.backbone.blocks.3.ls2.gamma': 'layers.3.layer_scale2.lambda1',
        'backbone.encoder.backbone.norm.bias': 'layernorm.bias',
    }.items():
        assert torch.equal(exported[authors], theirs[name]), authors
    keys = exported['backbone.encoder.backbone.blocks.2.attn.qkv.weight'].chunk(3)[1]
    assert torch.equal(keys, theirs['layers.2.attention.k_proj.weight'])


def test_a_segmenter_has_no_propagation(theirs):
    init_default_scope('mmvis')
    segmenter = {n: v for n, v in theirs.items() if 'query_updater' not in n}
    assert videomt_sizes_of(segmenter)['propagation'] is None
    expected = MODELS.build(videomt_cfg(propagation=None)).state_dict()
    exported = export_videomt(convert_videomt(segmenter, expected), 'authors')
    assert all(name.startswith('network.') for name in exported)
    extra = {
        'network.encoder.pixel_mean': torch.zeros(1, 3, 1, 1),
        'network.encoder.pixel_std': torch.ones(1, 3, 1, 1),
        'criterion.empty_weight': torch.ones(6),
    }
    assert convert_videomt(exported | extra, expected).keys() == expected.keys()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda w: w.pop('layers.1.mlp.fc1.bias'), r'lacks 1 weights.*blocks\.1\.mlp'),
        (lambda w: w.pop('layers.0.attention.v_proj.bias'), r'lacks .*v_proj\.bias'),
        (lambda w: w.pop('attn_mask_probs'), r'lacks .*attn_mask_probs'),
        (lambda w: w.update({'neck.weight': torch.ones(1)}), r'Unknown weight .*neck'),
        (
            lambda w: w.update({'query.weight': torch.ones(9, 32)}),
            r'query_feat.* has shape \(9, 32\), expected \(7, 32\)',
        ),
    ],
)
def test_mismatches_are_named(theirs, expected, change, message):
    weights = dict(theirs)
    change(weights)
    with pytest.raises((KeyError, ValueError), match=message):
        convert_videomt(weights, expected)


def test_other_checkpoints_are_refused():
    with pytest.raises(KeyError, match='not one of VidEoMT or EoMT'):
        videomt_sizes_of({'detr.query_embed.weight': torch.ones(1)})


def test_options_that_are_not_videomt_cannot_be_exported():
    init_default_scope('mmvis')
    model = MODELS.build(videomt_cfg(position='rotary'))
    model.head.query_updater = torch.nn.GRUCell(32, 32)
    # No position embeddings, and other weights of the updater: the first is enough.
    with pytest.raises(KeyError):
        export_videomt(model.state_dict(), 'transformers')


@pytest.mark.slow
def test_published_forms_through_the_tool(tmp_path):
    """A VidEoMT-S in both forms, to mmvis and back."""
    cfg = REPO / 'configs' / 'videomt_vit-s.py'
    ours = init_model(cfg).state_dict()
    save_file(export_videomt(ours, 'transformers'), tmp_path / 'model.safetensors')
    result = run(tmp_path / 'model.safetensors', tmp_path / 'ours.pth')
    assert result.returncode == 0, result.stderr
    init_model(cfg, str(tmp_path / 'ours.pth'))
    result = run('--reverse', tmp_path / 'ours.pth', tmp_path / 'authors.pth')
    assert result.returncode == 0, result.stderr
    authors = torch.load(tmp_path / 'authors.pth', weights_only=True)['model']
    again = convert_videomt(authors, ours)
    for name, value in ours.items():
        assert torch.equal(again[name], value), name


@pytest.mark.slow
def test_sizes_without_a_config_are_printed(theirs, tmp_path):
    torch.save(dict(model=theirs), tmp_path / 'src.pth')
    result = run(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode != 0
    assert 'a ViT of width 32, and only widths of' in result.stderr
