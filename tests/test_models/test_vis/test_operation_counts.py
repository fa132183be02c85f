"""What each method computes, counted: a guard that does not depend on the machine."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from mmvis.apis import init_model
from mmvis.benchmarks.models import frame_samples, random_clip
from mmvis.benchmarks.multiply_adds import count_multiply_adds
from mmvis.structures import ClipFeatures

ROOT = Path(__file__).resolve().parents[3]
SIZE = (64, 96)
T = 3
IFC = 'tests/data/configs/ifc_tiny.py'
VISTR = 'configs/vistr_small_shapes.py'
TEVIT = 'configs/tevit_small_shapes.py'
VIDEOMT = 'configs/videomt_small_shapes.py'
IDS = ['ifc', 'vistr', 'tevit', 'videomt']


@pytest.fixture
def build():
    def build_(config):
        torch.manual_seed(0)
        return init_model(ROOT / config)

    return build_


def convolutions_and_linears(module, clip):
    """Weights times cells, the definition: outputs without their channels."""
    counted = Counter()

    def count(layer, args, output):
        cells = output.numel() // (output.shape[1 if output.dim() == 4 else -1])
        counted[''] += layer.weight.numel() * cells

    kinds = (nn.Conv2d, nn.Linear)
    layers = [layer for layer in module.modules() if isinstance(layer, kinds)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    module(clip)
    for hook in hooks:
        hook.remove()
    return counted['']


def num_frames(inputs):
    """Of images (B*T, C, H, W), or of a clip."""
    return inputs.num_frames if isinstance(inputs, ClipFeatures) else len(inputs)


def test_all_kinds_of_products_are_counted():
    """Attention of 2 heads, 5 queries, 7 keys and 4 channels: twice 5 * 7 * 4 each."""
    q, k = torch.ones(1, 2, 5, 4), torch.ones(1, 2, 7, 4)
    attend = nn.Module()
    attend.forward = nn.functional.scaled_dot_product_attention
    assert count_multiply_adds(attend, q, k, k) == {'': 2 * 2 * 5 * 7 * 4}
    conv = nn.Conv2d(2, 3, 3, padding=1)
    assert count_multiply_adds(conv, torch.ones(1, 2, 6, 5))[''] == 3 * 2 * 9 * 30


@pytest.mark.parametrize('config', [IFC, VISTR, TEVIT], ids=IDS[:3])
def test_a_backbone_computes_its_layers_once_a_frame(build, config):
    backbone = build(config).backbone
    for num_frames in (1, T):
        frames = random_clip(num_frames, SIZE, 'cpu')[0]
        counted = count_multiply_adds(backbone, frames)['']
        assert counted == convolutions_and_linears(backbone, frames)


# Counted when the test was written, and equal with attention as plain products. Only a
# change of the method may change them, not another way to compute the same.
@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        (IFC, dict(backbone=15_151_104, necks=296_064, head=4_594_112)),
        (VISTR, dict(backbone=68_640_768, necks=42_467_328, head=319_925_376)),
        (TEVIT, dict(backbone=68_640_768, necks=93_794_304, head=379_373_760)),
        (VIDEOMT, dict(backbone=108_012_096, head=218_213_568)),
    ],
    ids=IDS,
)
def test_multiply_adds_of_a_forward_pass(build, config, expected):
    counts = count_multiply_adds(build(config), random_clip(T, SIZE, 'cpu'))
    assert counts.pop('') == sum(expected.values())
    assert {name: num for name, num in counts.items() if num} == expected


@torch.no_grad()
@pytest.mark.parametrize(
    ('config', 'clip_len', 'clip_stride', 'once_a_frame', 'once_a_clip'),
    [
        (
            IFC, 5, 1,
            ['necks.0.input_proj', 'necks.0.frame_layers.0',
             'head.mask_features.lateral_convs.0'],
            ['head.decoder'],
        ),
        (
            IFC, 5, 3,
            ['necks.0.input_proj', 'head.mask_features.lateral_convs.0'],
            ['head.decoder'],
        ),
        (VISTR, 3, 1, ['necks.0.input_proj'], ['necks.0.layers.0', 'head.decoder']),
        (TEVIT, 3, 2, ['necks.0.input_proj'], ['necks.1.fpn_convs.0']),
        (VIDEOMT, 1, 1, [], ['head.blocks.2']),
    ],
    ids=[IDS[0], 'ifc-3', *IDS[1:]],
)  # fmt: skip
def test_each_frame_runs_once_whatever_the_overlap(
    build, config, clip_len, clip_stride, once_a_frame, once_a_clip
):
    """Nine frames, two at a time, as clips that overlap by all but the stride."""
    model, counted = build(config), Counter()

    def counter(name):
        def count(module, args, output):
            counted[name] += num_frames(args[0]) if name in per_frame else 1

        return count

    per_frame = ['backbone', *once_a_frame]
    for name in (*per_frame, *once_a_clip):
        model.get_submodule(name).register_forward_hook(counter(name))
    object.__setattr__(model.test_cfg, 'clip_len', clip_len)
    object.__setattr__(model.test_cfg, 'clip_stride', clip_stride)
    stream = model.open_stream(SIZE, 9)
    for start in range(0, 9, 2):
        inds = range(start, min(start + 2, 9))
        stream.push(random_clip(len(inds), SIZE, 'cpu'), frame_samples(inds, SIZE))
    stream.end()
    num_clips = -(-(9 - clip_len) // clip_stride) + 1
    assert counted == dict.fromkeys(per_frame, 9) | dict.fromkeys(
        once_a_clip, num_clips
    )
