import copy
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from pycocotools import mask as mask_utils
from torch import nn
from torch.nn import functional as F

from mmvis import memory_limits
from mmvis.apis import init_model
from mmvis.benchmarks.models import frame_samples
from mmvis.models.layers import FastLinear, fast_attention, fast_linear
from mmvis.models.vis import fast_dtype, make_fast
from mmvis.registry import MODELS

init_default_scope('mmvis')
ROOT = Path(__file__).resolve().parents[3]
SIZE = (72, 104)
RESNET = dict(
    type='ResNet', depth=50, base_channels=4, stem_channels=4, out_indices=(1, 2, 3)
)
LITE = dict(type='EfficientNetLite', variant='lite0', out_indices=(1, 2, 3))


def build(backbone, channels):
    """IFC with norms that change what they see."""
    torch.manual_seed(0)
    layer = dict(num_heads=2, feedforward_channels=16)
    sizes = dict(embed_dims=16, in_channels=channels)
    model = MODELS.build(
        dict(
            type='IFC',
            backbone=backbone,
            neck=dict(type='MemoryTokenNeck', num_layers=2, layer=layer, **sizes),
            head=dict(
                type='IFCHead',
                num_classes=3,
                num_queries=5,
                decoder=dict(type='ClipDecoder', num_layers=2, layer=layer),
                num_groups=4,
                **sizes | dict(in_channels=[*channels[:-1], 16]),
            ),
        )
    )
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean, std=0.3)
            nn.init.uniform_(norm.running_var, 0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.3)
    return model.eval()


@pytest.fixture(
    params=[(RESNET, [32, 64, 128]), (LITE, [40, 112, 320])], ids=['resnet', 'lite']
)
def model(request):
    return build(*request.param)


@pytest.fixture
def with_amx(without_amx, monkeypatch):
    """Any CPU computes products in bfloat16."""
    monkeypatch.setattr(torch.cpu, '_is_amx_tile_supported', lambda: True)


PRODUCT = 'mkldnn::_linear_pointwise'


@torch.no_grad()
def test_outputs_differ_by_rounding(model):
    clip = torch.randn(1, 3, 3, *SIZE)
    expected = model(clip)
    make_fast(model)
    for name, value in model(clip).items():
        scale = expected[name].abs().max().item()
        torch.testing.assert_close(value, expected[name], atol=1e-4 * scale, rtol=0)


def record_of(model, frames):
    """Tracks of a video of all frames."""
    num_frames = frames.shape[1]
    stream = model.open_stream(ori_shape=SIZE, video_len=num_frames)
    stream.push(frames, frame_samples(range(num_frames), SIZE))
    stream.end()
    return stream.record()


def tube_iou(masks, others):
    """IoU of two tracks, lists of RLE or None."""
    overlap = union = 0
    for mask, other in zip(masks, others, strict=True):
        pair = [rle for rle in (mask, other) if rle is not None]
        if pair:
            union += mask_utils.area(mask_utils.merge(pair))
        if len(pair) == 2:
            overlap += mask_utils.area(mask_utils.merge(pair, intersect=True))
    return overlap / union


each_method = pytest.mark.parametrize(
    'config',
    [
        'tests/data/configs/ifc_tiny.py',
        'configs/tevit_small_shapes.py',
        'configs/vistr_small_shapes.py',
        'configs/videomt_small_shapes.py',
    ],
    ids=['ifc', 'tevit', 'vistr', 'videomt'],
)


@each_method
@torch.no_grad()
def test_each_method_has_the_same_tracks(config):
    torch.manual_seed(0)
    model = init_model(ROOT / config)
    fast = copy.deepcopy(model)
    make_fast(fast)
    frames = torch.randn(1, 7, 3, *SIZE)
    clip = frames[:, : model.test_cfg.clip_len]
    expected = model(clip)
    for name, value in fast(clip).items():
        scale = expected[name].abs().max().item()
        torch.testing.assert_close(value, expected[name], atol=1e-4 * scale, rtol=0)
    tracks, found = record_of(model, frames), record_of(fast, frames)
    assert len(tracks) > 0
    assert torch.equal(found.labels, tracks.labels)
    torch.testing.assert_close(found.scores, tracks.scores, atol=1e-5, rtol=0)
    for masks, others in zip(found.masks, tracks.masks, strict=True):
        assert tube_iou(masks, others) > 0.99


@torch.no_grad()
def test_products_of_a_vision_transformer(count_operators):
    torch.manual_seed(0)
    layer = dict(num_heads=2, layer_scale=1.0)
    model = MODELS.build(
        dict(
            type='VidEoMT',
            backbone=dict(
                type='VisionTransformer',
                embed_dims=16,
                num_blocks=2,
                layer=layer,
                patch_size=8,
                img_size=64,
            ),
            head=dict(
                type='VidEoMTHead',
                num_classes=3,
                in_channels=[16],
                layer=layer,
                num_blocks=2,
                num_queries=5,
            ),
        )
    ).eval()
    model.head.attn_mask_probs.zero_()
    clip = torch.randn(1, 3, 3, 64, 64)
    expected = model(clip)
    assert (
        count_operators(model, clip)[PRODUCT] == 0
    )  # the default computes as PyTorch does
    make_fast(model)
    # Per frame: the ViT's two blocks and the head's two, each with four linear layers
    # and two heads of attention; and the linear layers after them.
    assert count_operators(model, clip)[PRODUCT] >= 3 * 4 * (4 + 2 * 2)
    attends = [m.attend for m in model.modules() if hasattr(m, 'attend')]
    assert attends == [fast_attention] * 4
    for name, value in model(clip).items():
        scale = expected[name].abs().max().item()
        torch.testing.assert_close(value, expected[name], atol=1e-4 * scale, rtol=0)


@torch.no_grad()
def test_no_norm_and_no_other_product_is_left(model, count_operators):
    num_norms = sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    make_fast(model)
    assert num_norms > 40
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    clip = torch.randn(1, 3, 3, *SIZE)
    calls = set(count_operators(model, clip))
    assert PRODUCT in calls
    assert not calls & {'aten::addmm', 'aten::linear', 'aten::batch_norm'}


def test_training_mode_is_refused(model):
    with pytest.raises(ValueError, match=r'Call model.eval\(\) first'):
        make_fast(model.train())


def test_a_norm_before_its_convolution_is_refused():
    model = build(RESNET, [32, 64, 128])
    stem = model.backbone.conv1

    class PreNorm(nn.Module):
        """A norm that comes after a convolution in the list, and before it in use."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)
            self.norm = nn.BatchNorm2d(3)
            nn.init.constant_(self.norm.running_mean, 1.0)

        def forward(self, x):
            return self.conv(self.norm(x))

    model.backbone.conv1 = nn.Sequential(PreNorm(), stem)
    with pytest.raises(ValueError, match='fast mode does not fit ResNet'):
        make_fast(model.eval())


def test_half_precision_is_chosen_by_capability(monkeypatch):
    assert fast_dtype(torch.device('cpu')) is None
    monkeypatch.setattr(torch.cpu, '_is_amx_tile_supported', lambda: True)
    assert fast_dtype(torch.device('cpu')) is torch.bfloat16


@each_method
@torch.no_grad()
def test_half_precision_of_each_method(config, with_amx):
    torch.manual_seed(0)
    model = init_model(ROOT / config)
    fast = copy.deepcopy(model)
    make_fast(fast)
    clip = torch.randn(1, model.test_cfg.clip_len, 3, *SIZE)
    expected = model(clip)
    for name, value in fast(clip).items():
        difference = (value - expected[name]).abs().mean() / expected[name].abs().mean()
        assert 1e-5 < difference < 0.05, name


@torch.no_grad()
def test_maps_in_half_precision_have_channels_last(model, with_amx):
    make_fast(model)
    maps = []
    convs = [m for m in model.backbone.modules() if isinstance(m, nn.Conv2d)]
    for conv in convs:
        conv.register_forward_hook(lambda m, args, out: maps.append(out))
    model(torch.randn(1, 3, 3, *SIZE))
    assert len(maps) == len(convs)
    assert {x.dtype for x in maps} == {torch.bfloat16}
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in maps)


@torch.no_grad()
def test_frames_one_at_a_time_keep_channels_last(model, with_amx, monkeypatch):
    monkeypatch.setattr(memory_limits, 'frames_at_once', lambda *args: 1)
    make_fast(model)
    for stacked in model.extract_frame_feat(torch.randn(1, 3, 3, *SIZE)).maps:
        frames = stacked.flatten(0, 1)
        assert len(frames) == 3
        assert frames.is_contiguous(memory_format=torch.channels_last)


def test_fast_linear_keeps_parameters_and_gradients():
    layer = nn.Linear(6, 4)
    network = nn.Sequential(layer, nn.ReLU())
    FastLinear.convert(network)
    assert network[0].weight is layer.weight
    assert network[0].bias is layer.bias
    x = torch.randn(3, 5, 6)
    torch.testing.assert_close(network[0](x), layer(x), rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(network[0](x), layer(x), rtol=1e-5, atol=1e-6)
        no_bias = fast_linear(x, layer.weight)
        torch.testing.assert_close(no_bias, F.linear(x, layer.weight))
        assert fast_linear(x[:0], layer.weight).shape == (0, 5, 4)
        double = copy.deepcopy(network[0]).double()
        assert double(x.double()).dtype is torch.float64
