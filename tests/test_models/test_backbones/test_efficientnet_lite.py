import math

import pytest
import torch
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.models.backbones import EfficientNetLite
from mmvis.registry import MODELS

# Of EfficientNet-Lite0: expansion, kernel size, stride and output channels of each
# block, in the order of the published names.
BLOCKS = [
    (1, 3, 1, 16),
    *[(6, 3, 2, 24), (6, 3, 1, 24)],
    *[(6, 5, 2, 40), (6, 5, 1, 40)],
    *[(6, 3, 2, 80), (6, 3, 1, 80), (6, 3, 1, 80)],
    *[(6, 5, 1, 112)] * 3,
    *[(6, 5, 2, 192), (6, 5, 1, 192), (6, 5, 1, 192), (6, 5, 1, 192)],
    (6, 3, 1, 320),
]
LEVELS = [2, 4, 10, 15]  # last block of each stage


def norm_weights(name, channels):
    return {
        f'{name}.weight': torch.rand(channels) + 0.5,
        f'{name}.bias': torch.randn(channels) * 0.1,
        f'{name}.running_mean': torch.randn(channels) * 0.1,
        f'{name}.running_var': torch.rand(channels) + 0.5,
        f'{name}.num_batches_tracked': torch.tensor(7),
    }


@pytest.fixture(scope='module')
def published():
    """Random weights of Lite0 by the published names."""
    torch.manual_seed(0)
    weights = {'_conv_stem.weight': torch.randn(32, 3, 3, 3) * 0.3}
    weights |= norm_weights('_bn0', 32)
    channels = 32
    for i, (expansion, kernel, _, out_channels) in enumerate(BLOCKS):
        name, wide = f'_blocks.{i}', channels * expansion
        if expansion > 1:
            weights[f'{name}._expand_conv.weight'] = (
                torch.randn(wide, channels, 1, 1) / channels**0.5
            )
            weights |= norm_weights(f'{name}._bn0', wide)
        weights[f'{name}._depthwise_conv.weight'] = (
            torch.randn(wide, 1, kernel, kernel) / kernel
        )
        weights |= norm_weights(f'{name}._bn1', wide)
        weights[f'{name}._project_conv.weight'] = (
            torch.randn(out_channels, wide, 1, 1) / wide**0.5
        )
        weights |= norm_weights(f'{name}._bn2', out_channels)
        channels = out_channels
    weights['_conv_head.weight'] = torch.randn(1280, 320, 1, 1)
    weights |= norm_weights('_bn1', 1280)
    weights |= {'_fc.weight': torch.randn(1000, 1280), '_fc.bias': torch.randn(1000)}
    return weights


@pytest.fixture
def published_file(published, tmp_path):
    path = tmp_path / 'lite0.pth'
    torch.save(published, path)
    return path


def pretrained(path, **kwargs):
    cfg = dict(type='Pretrained', checkpoint=str(path))
    model = EfficientNetLite('lite0', init_cfg=cfg, **kwargs)
    model.init_weights()
    return model.eval()


def same_convolution(x, weight, stride=1, groups=1):
    """TensorFlow's "same": what is missing at the end of the last step is padded."""
    pads = []
    for size in (x.shape[3], x.shape[2]):
        steps = math.ceil(size / stride)
        missing = max((steps - 1) * stride + weight.shape[-1] - size, 0)
        pads += [missing // 2, missing - missing // 2]
    return F.conv2d(F.pad(x, pads), weight, stride=stride, groups=groups)


def normalise(x, weights, name):
    scale, shift, mean, var = (
        weights[f'{name}.{key}'][:, None, None]
        for key in ('weight', 'bias', 'running_mean', 'running_var')
    )
    return (x - mean) / (var + 1e-3).sqrt() * scale + shift


def reference_maps(weights, x):
    """The network written out over the published names."""
    x = same_convolution(x, weights['_conv_stem.weight'], 2)
    x = normalise(x, weights, '_bn0').clamp(0, 6)
    maps = []
    for i, (expansion, _, stride, out_channels) in enumerate(BLOCKS):
        name, shortcut = f'_blocks.{i}', x
        if expansion > 1:
            x = same_convolution(x, weights[f'{name}._expand_conv.weight'])
            x = normalise(x, weights, f'{name}._bn0').clamp(0, 6)
        depthwise = weights[f'{name}._depthwise_conv.weight']
        x = same_convolution(x, depthwise, stride, groups=len(depthwise))
        x = normalise(x, weights, f'{name}._bn1').clamp(0, 6)
        x = same_convolution(x, weights[f'{name}._project_conv.weight'])
        x = normalise(x, weights, f'{name}._bn2')
        if stride == 1 and shortcut.shape[1] == out_channels:
            x = x + shortcut
        if i in LEVELS:
            maps.append(x)
    return maps


@torch.no_grad()
def test_published_weights_give_the_maps_of_the_network_written_out(
    published, published_file
):
    frames = torch.randn(2, 3, 45, 70)
    expected = reference_maps(published, frames)
    actual = pretrained(published_file)(frames)
    assert [tuple(x.shape[1:]) for x in actual] == [
        (24, 12, 18),
        (40, 6, 9),
        (112, 3, 5),
        (320, 2, 3),
    ]
    for got, wanted in zip(actual, expected):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_stages_that_are_not_read_are_not_built(published_file):
    frames = torch.randn(1, 3, 40, 60)
    whole = pretrained(published_file)
    part = pretrained(published_file, out_indices=(0, 2))
    assert len(part.stages) == 3
    for got, wanted in zip(part(frames), whole(frames)[::2]):
        torch.testing.assert_close(got, wanted)


@torch.no_grad()
def test_own_checkpoints_load_again(published_file, tmp_path):
    model = pretrained(published_file)
    path = tmp_path / 'own.pth'
    weights = {f'backbone.{k}': v for k, v in model.state_dict().items()}
    torch.save({'state_dict': weights | {'head.weight': torch.ones(3)}}, path)
    cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
    again = EfficientNetLite('lite0', init_cfg=cfg)
    again.init_weights()
    for key, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value)


@pytest.mark.parametrize(
    ('edit', 'match'),
    [
        (lambda weights: weights.pop('_bn0.bias'), r'1 parameters .* stem\.bn\.bias'),
        (lambda weights: weights.update(other=torch.ones(2)), 'other'),
        (
            lambda weights: weights.update(
                {'_conv_stem.weight': torch.ones(8, 3, 3, 3)}
            ),
            r'stem\.conv\.weight',
        ),
    ],
)
def test_weights_of_another_network_are_refused(published, tmp_path, edit, match):
    weights = dict(published)
    edit(weights)
    path = tmp_path / 'edited.pth'
    torch.save(weights, path)
    with pytest.raises(UserValueError, match=f'edited.pth.*{match}'):
        pretrained(path)


def test_weights_of_another_variant_are_refused(published_file):
    cfg = dict(type='Pretrained', checkpoint=str(published_file))
    model = EfficientNetLite('lite1', init_cfg=cfg)
    with pytest.raises(UserValueError, match='variant'):
        model.init_weights()


@pytest.mark.parametrize(
    ('variant', 'channels', 'num_parameters'),
    [
        ('lite0', [24, 40, 112, 320], 2_958_848),
        ('lite1', [24, 40, 112, 320], 3_723_520),
        ('lite2', [24, 48, 120, 352], 4_357_952),
    ],
)
def test_sizes_of_the_variants(variant, channels, num_parameters):
    model = EfficientNetLite(variant)
    assert [stage[-1].linear_conv.conv.out_channels for stage in model.stages] == (
        channels
    )
    assert sum(p.numel() for p in model.parameters()) == num_parameters


def test_frozen_stages_and_norms_stay_as_they_are():
    model = EfficientNetLite('lite0', out_indices=(1, 2), frozen_stages=2).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    sum(x.square().mean() for x in model(torch.randn(2, 3, 32, 48))).backward()
    trained = {
        name.split('.')[0:2][-1]
        for name, p in model.named_parameters()
        if p.grad is not None
    }
    assert trained == {'2'}
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize(
    ('arguments', 'match'),
    [
        (dict(variant='lite7'), 'lite0, lite1, lite2'),
        (dict(variant='lite0', out_indices=(2, 1)), 'ascending'),
        (dict(variant='lite0', out_indices=()), 'ascending'),
        (dict(variant='lite0', frozen_stages=5), r'\[-1, 4\]'),
    ],
)
def test_wrong_arguments_are_named(arguments, match):
    with pytest.raises(UserValueError, match=match):
        MODELS.build(dict(type='EfficientNetLite', **arguments))
