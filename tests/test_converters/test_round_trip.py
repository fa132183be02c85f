"""From the original to mmvis and back: the same weights by the same names."""

import json

import pytest
import torch

from mmvis.converters import (
    convert_ifc,
    convert_tevit,
    convert_vistr,
    export_ifc,
    export_tevit,
    export_vistr,
)
from mmvis.converters.checkpoint_file import read_tensors, write_checkpoint
from mmvis.converters.ifc import old_names_of as old_names_of_ifc
from mmvis.converters.tevit import old_names_of as old_names_of_tevit
from mmvis.converters.vistr import old_names_of_vistr
from mmvis.testing import find_golden

IFC = (old_names_of_ifc, convert_ifc, export_ifc)
VISTR = (old_names_of_vistr, convert_vistr, export_vistr)
TEVIT = (old_names_of_tevit, convert_tevit, export_tevit)


def read_manifest(name):
    return json.loads(find_golden(name).read_text())


def numbered_weights(manifest):
    """Weights by the original's names, each with values of its own along axis 0."""
    weights = {}
    for number, (name, entry) in enumerate(manifest.items()):
        length, *others = entry['shape'] or [1]
        rows = torch.arange(length, dtype=torch.float32) + 1000 * number
        value = rows.view(-1, *[1] * len(others)).expand(length, *others)
        weights[name] = value.clone().reshape(entry['shape'])
    return weights


@pytest.mark.parametrize(
    ('manifest', 'functions', 'buffer'),
    [
        ('ifc/r50_manifest.json', IFC, 'criterion.empty_weight'),
        ('ifc/r101_manifest.json', IFC, 'criterion.empty_weight'),
        ('vistr/r50_manifest.json', VISTR, None),
        ('vistr/r101_manifest.json', VISTR, None),
        ('tevit/manifest_msgshift.json', TEVIT, None),
        ('tevit/manifest_r50.json', TEVIT, None),
        ('tevit/manifest_swinl.json', TEVIT, None),
    ],
)
def test_round_trip_is_exact(manifest, functions, buffer):
    old_names_of, convert, export = functions
    source = numbered_weights(read_manifest(manifest))
    if buffer is not None:  # what the loss of the original is made of
        source[buffer] = torch.ones(len(source[buffer]))
        source[buffer][-1] = 0.1
    expected = {new: source[old] for new, old in old_names_of(source).items()}
    if export is not export_tevit:  # frozen norms of the originals do not count
        expected['backbone.bn1.num_batches_tracked'] = torch.tensor(0)
    exported = export(convert(source, expected))
    assert exported.keys() == source.keys()
    for name, value in source.items():
        assert torch.equal(exported[name], value), name


@pytest.mark.parametrize('export', [export_ifc, export_vistr, export_tevit])
def test_other_models_are_not_exported(export):
    with pytest.raises(KeyError, match=r'lacks "|Unknown weight'):
        export({'backbone.conv1.weight': torch.ones(1)})
    with pytest.raises(KeyError, match=r'lacks "|Unknown weight'):
        export({'encoder.w': torch.ones(1)})


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_tools_convert_both_ways(run_converter, tmp_path, suffix):
    """The smallest real thing: TeViT's tool needs no config to go back."""
    source = {
        'backbone.conv1.weight': torch.randn(2, 3),
        'rpn_head.init_proposal_bboxes.weight': torch.randn(5, 4),
        'roi_head.bbox_head.0.fc_cls.weight': torch.randn(3, 4),
    }
    mmvis = {new: source[old] for new, old in old_names_of_tevit(source).items()}
    write_checkpoint(mmvis, tmp_path / f'mmvis{suffix}', {})
    paths = [tmp_path / f'mmvis{suffix}', tmp_path / f'original{suffix}']
    result = run_converter('tevit_to_mmvis.py', '--reverse', *paths)
    assert result.returncode == 0, result.stderr
    exported = read_tensors(paths[1])
    assert exported.keys() == source.keys()
    for name, value in source.items():
        assert torch.equal(exported[name], value)


def test_checkpoints_of_detectron2_and_vistr_have_a_model(run_converter, tmp_path):
    source = numbered_weights(read_manifest('vistr/r50_t6_manifest.json'))
    small = {n: v for n, v in source.items() if v.numel() < 10**4}
    small['vistr.class_embed.weight'] = source['vistr.class_embed.weight']
    mmvis = {new: small[old] for new, old in old_names_of_vistr(small).items()}
    write_checkpoint(mmvis, tmp_path / 'mmvis.pth', {})
    paths = [tmp_path / 'mmvis.pth', tmp_path / 'vistr.pth']
    result = run_converter('vistr_to_mmvis.py', '--reverse', *paths)
    assert result.returncode == 0, result.stderr
    assert torch.load(paths[1])['model'].keys() == small.keys()
