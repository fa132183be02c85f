import pickle
from functools import partial
from pathlib import Path

import pytest
import torch

from mmvis.apis import init_model
from mmvis.converters import convert_ifc
from mmvis.testing import find_golden, load_pseudo

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools' / 'model_converters' / 'ifc_to_mmvis.py'


@pytest.fixture(scope='module')
def source():
    """Weights by the names of the published R50 checkpoint."""
    pseudo = load_pseudo()
    manifest = pseudo.load_manifest(find_golden('ifc/r50_manifest.json'))
    weights = pseudo.pseudo_state_dict(manifest)
    return {name: torch.from_numpy(value) for name, value in weights.items()}


@pytest.fixture
def convert(run_converter):
    return partial(run_converter, 'ifc_to_mmvis.py')


def test_pth_converts_and_loads(convert, source, tmp_path):
    torch.save(dict(model=source, iteration=5999), tmp_path / 'src.pth')
    result = convert(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode == 0, result.stderr
    model = init_model(REPO / 'configs' / 'ifc_r50.py', str(tmp_path / 'dst.pth'))
    weight = model.necks[0].memory_tokens
    assert torch.equal(weight, source['detr.transformer.memory_bus'])
    weight = model.backbone.layer4[2].bn3.running_var
    expected = source['detr.backbone.0.backbone.res5.2.conv3.norm.running_var']
    assert torch.equal(weight, expected)


def test_pkl_converts(convert, source, tmp_path):
    arrays = {name: value.numpy() for name, value in source.items()}
    with (tmp_path / 'src.pkl').open('wb') as f:
        pickle.dump(dict(model=arrays, __author__='x'), f)
    result = convert(tmp_path / 'src.pkl', tmp_path / 'dst.pth')
    assert result.returncode == 0, result.stderr
    state_dict = torch.load(tmp_path / 'dst.pth', weights_only=True)['state_dict']
    kernel = source['detr.mask_head.lay1.weight']
    assert torch.equal(state_dict['head.mask_features.fusion_convs.2.weight'], kernel)


class _Runs:
    def __reduce__(self):
        return (Path.touch, (Path('ran'),))


@pytest.mark.parametrize('suffix', ['.pkl', '.pth'])
def test_code_in_a_checkpoint_does_not_run(convert, tmp_path, suffix):
    src = tmp_path / f'src{suffix}'
    with src.open('wb') as f:
        pickle.dump(dict(model=_Runs()), f)
    result = convert(src, tmp_path / 'dst.pth')
    assert result.returncode == 2
    assert f'src{suffix}' in result.stderr
    assert not Path('ran').exists()


def change(weights, change):
    weights = dict(weights)
    if change == 'missing':
        del weights['detr.transformer.memory_pos']
    elif change == 'unknown':
        weights['detr.bbox_embed.weight'] = torch.zeros(4, 256)
    elif change == 'shape':
        weights['detr.input_proj.bias'] = torch.zeros(128)
    elif change == 'other':
        weights = {'backbone.conv1.weight': torch.zeros(64, 3, 7, 7)}
    return weights


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('missing', 'memory_pos'),
        ('unknown', "Unknown weight 'detr.bbox_embed.weight'"),
        ('shape', "'detr.input_proj.bias' has shape (128,)"),
        ('other', 'not one of IFC'),
    ],
)
def test_wrong_weights_are_named(convert, source, tmp_path, kind, message):
    torch.save(dict(model=change(source, kind)), tmp_path / 'src.pth')
    result = convert(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert result.returncode == 2
    assert message in result.stderr
    assert 'src.pth' in result.stderr
    assert not (tmp_path / 'dst.pth').exists()


def test_values_that_are_no_tensors_are_named(convert, tmp_path):
    torch.save(dict(model=dict(a=[1, 2])), tmp_path / 'src.pth')
    result = convert(tmp_path / 'src.pth', tmp_path / 'dst.pth')
    assert "entry 'a' is a list" in result.stderr


def test_r101_fits_its_config():
    """Names, shapes and variant: MSRA's stride lies in the first 1x1 convolution."""
    manifest = load_pseudo().load_manifest(find_golden('ifc/r101_manifest.json'))
    tensors = {name: torch.zeros(entry['shape']) for name, entry in manifest.items()}
    model = init_model(REPO / 'configs' / 'ifc_r101.py')
    weights = convert_ifc(tensors, model.state_dict())
    model.load_state_dict(weights, strict=True)
    assert model.backbone.layer3[0].conv1.stride == (2, 2)
    assert model.backbone.layer3[0].conv2.stride == (1, 1)
    assert len(manifest) == 684
