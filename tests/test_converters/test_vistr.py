from pathlib import Path

import pytest
import torch

from mmvis.apis import init_model
from mmvis.converters import convert_detr, convert_vistr, vistr_shape_of
from mmvis.evaluation.submission import tracks_to_results
from mmvis.models.vis_heads import vote_classes
from mmvis.testing import find_golden, load_pseudo

REPO = Path(__file__).resolve().parents[2]
TOOLS = REPO / 'tools' / 'model_converters'
pseudo = load_pseudo()


def manifest(variant):
    return pseudo.load_manifest(find_golden(f'vistr/{variant}_manifest.json'))


@pytest.fixture(scope='module')
def source():
    """Weights by the names of the published R50 checkpoint."""
    weights = pseudo.pseudo_state_dict(manifest('r50'))
    return {name: torch.from_numpy(value) for name, value in weights.items()}


@pytest.fixture(scope='module')
def model():
    return init_model(
        REPO / 'configs' / 'vistr_r50.py',
        cfg_options={'model.backbone.init_cfg': None},
    )


@pytest.mark.parametrize(
    ('variant', 'config', 'clip_len', 'num_weights'),
    [('r50', 'r50', 36, 503), ('r50_t6', 'r50', 6, 503), ('r101', 'r101', 36, 758)],
)
def test_manifests_fit_their_configs(variant, config, clip_len, num_weights):
    entries = manifest(variant)
    tensors = {name: torch.zeros(entry['shape']) for name, entry in entries.items()}
    assert len(tensors) == num_weights
    shape = dict(num_classes=40, num_queries=10 * clip_len)
    assert vistr_shape_of(tensors) == shape
    options = {
        'model.head.clip_len': clip_len,
        'model.test_cfg.clip_len': clip_len,
        'model.test_cfg.clip_stride': 1,
    }
    path = REPO / 'configs' / f'vistr_{config}.py'
    model = init_model(path, cfg_options=options)
    weights = convert_vistr(tensors, model.state_dict())
    model.load_state_dict(weights, strict=True)


def test_converted_file_loads(run_converter, source, tmp_path):
    torch.save(dict(model=source, epoch=17), tmp_path / 'src.pth')
    paths = tmp_path / 'src.pth', tmp_path / 'dst.pth'
    result = run_converter('vistr_to_mmvis.py', *paths)
    assert result.returncode == 0, result.stderr
    model = init_model(REPO / 'configs' / 'vistr_r50.py', str(tmp_path / 'dst.pth'))
    weight = model.head.sequence_head.layers[3].weight
    assert torch.equal(weight, source['insmask_head.3.weight'])
    weight = model.head.mask_head.lateral_convs[2].weight
    assert torch.equal(weight, source['mask_head.adapter3.weight'])


def test_checkpoint_for_other_clips_says_what_to_set(run_converter, tmp_path):
    tensors = {n: torch.zeros(e['shape']) for n, e in manifest('r50_t6').items()}
    torch.save(dict(model=tensors), tmp_path / 'src.pth')
    paths = tmp_path / 'src.pth', tmp_path / 'dst.pth'
    result = run_converter('vistr_to_mmvis.py', *paths)
    assert result.returncode == 0, result.stderr
    assert 'for clips of 6 frames: set model.head.clip_len' in result.stdout


def test_category_ids_are_those_of_the_original(source, model):
    """Its class index c in 1..40 becomes category c; 0 is none, 41 no-object."""
    weights = convert_vistr(source, model.state_dict())
    for part in ('weight', 'bias'):
        new = weights[f'head.class_embed.{part}']
        old = source[f'vistr.class_embed.{part}']
        assert torch.equal(new[:40], old[1:41])
        assert torch.equal(new[40], old[0])
        assert torch.equal(new[41], old[41])
    # A sequence whose frames say original index c, through labels to a submission.
    cat_ids = list(range(1, 41))
    for index in (1, 17, 40):
        logits = torch.full((1, 3, 42), -5.0)
        logits[..., [*range(1, 41), 0, 41].index(index)] = 5.0
        labels, scores = vote_classes(logits.softmax(-1), num_classes=40)
        tracks = dict(labels=labels, scores=scores, masks=[[None] * 3])
        (result,) = tracks_to_results(7, tracks, cat_ids)
        assert result['category_id'] == index


def change(weights, kind):
    weights = dict(weights)
    if kind == 'missing':
        del weights['insmask_head.9.bias']
    elif kind == 'unknown':
        weights['vistr.mask_embed.weight'] = torch.zeros(4, 256)
    elif kind == 'shape':
        weights['vistr.input_proj.bias'] = torch.zeros(128)
    return weights


@pytest.mark.parametrize(
    ('kind', 'error', 'message'),
    [
        ('missing', KeyError, 'sequence_head.layers.9.bias'),
        ('unknown', KeyError, "Unknown weight 'vistr.mask_embed.weight'"),
        ('shape', ValueError, r"'vistr.input_proj.bias' has shape \(128,\)"),
    ],
)
def test_wrong_weights_are_named(source, model, kind, error, message):
    with pytest.raises(error, match=message):
        convert_vistr(change(source, kind), model.state_dict())


def test_other_checkpoints_are_refused():
    with pytest.raises(KeyError, match='not one of VisTR'):
        vistr_shape_of({'detr.class_embed.weight': torch.zeros(92, 384)})


def as_detr(source, with_masks):
    """A DETR with the weights of a VisTR, and classes and queries of its own."""
    prefix = 'detr.' if with_masks else ''
    weights = {}
    for name, value in source.items():
        if name.startswith('vistr.'):
            weights[prefix + name.removeprefix('vistr.')] = value
        elif with_masks and not name.startswith(
            ('insmask_head', 'mask_head.dcn', 'mask_head.conv_offset')
        ):
            weights[name] = value
    weights[prefix + 'class_embed.weight'] = torch.zeros(92, 384)
    weights[prefix + 'class_embed.bias'] = torch.zeros(92)
    weights[prefix + 'query_embed.weight'] = torch.zeros(100, 384)
    if with_masks:
        weights['mask_head.lay5.weight'] = torch.zeros(24, 48, 3, 3)
        weights['mask_head.out_lay.weight'] = torch.zeros(1, 24, 3, 3)
    return weights


NEW = {
    'head.class_embed.weight',
    'head.class_embed.bias',
    'head.decoder.query_embed.weight',
    'head.mask_head.dcn.weight',
    'head.mask_head.conv_offset.weight',
    'head.mask_head.conv_offset.bias',
}


@pytest.mark.parametrize('with_masks', [True, False])
def test_detr_gives_all_but_classes_queries_and_new_convolutions(
    source, model, with_masks
):
    initial = {name: torch.zeros_like(v) for name, v in model.state_dict().items()}
    weights, fresh = convert_detr(as_detr(source, with_masks), initial)
    model.load_state_dict(weights, strict=True)
    new = NEW | {n for n in initial if n.startswith('head.sequence_head.')}
    if not with_masks:
        branches = ('head.bbox_attention.', 'head.mask_head.')
        new |= {n for n in initial if n.startswith(branches)}
    assert set(fresh) == new
    assert not any(weights[name].any() for name in new)
    assert torch.equal(
        weights['head.decoder.layers.2.cross_attn.in_proj_weight'],
        source['vistr.transformer.decoder.layers.2.multihead_attn.in_proj_weight'],
    )
    convolution = weights['head.mask_head.convs.3.weight']
    assert torch.equal(convolution, source['mask_head.lay4.weight']) == with_masks


def test_detr_file_converts(run_converter, source, tmp_path):
    torch.save(dict(model=as_detr(source, True)), tmp_path / 'src.pth')
    result = run_converter(
        'detr_to_vistr.py', tmp_path / 'src.pth', tmp_path / 'dst.pth'
    )
    assert result.returncode == 0, result.stderr
    assert '  head.mask_head.dcn.weight\n' in result.stdout
    init_model(REPO / 'configs' / 'vistr_r50.py', str(tmp_path / 'dst.pth'))


def test_a_narrow_detr_is_named(run_converter, source, tmp_path):
    weights = as_detr(source, True)
    weights['detr.input_proj.weight'] = torch.zeros(256, 2048, 1, 1)
    torch.save(dict(model=weights), tmp_path / 'src.pth')
    result = run_converter(
        'detr_to_vistr.py', tmp_path / 'src.pth', tmp_path / 'dst.pth'
    )
    assert result.returncode == 2
    assert "'vistr.input_proj.weight' has shape (256, 2048, 1, 1)" in result.stderr
    assert not (tmp_path / 'dst.pth').exists()
