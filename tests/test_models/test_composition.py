"""Every backbone works with every token neck and every head."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from pycocotools import mask as mask_utils

from mmvis.models.vis import make_fast
from mmvis.registry import MODELS
from mmvis.testing import make_tiny_vis

REPO = Path(__file__).parents[2]
BACKBONES = ('resnet', 'swin', 'pvtv2', 'msgshift', 'vit')
NECKS = ('none', 'memory', 'messenger')
HEADS = ('ifc', 'stqi', 'vistr', 'videomt')
SIZE, VIDEO_LEN = (64, 96), 5
CONFIG = """\
_base_ = [
    '{parts}/backbones/{backbone}.py',
    '{parts}/necks/{neck}.py',
    '{parts}/heads/{head}.py',
    '{data}',
    '{runtime}',
]
model = dict(
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=[_base_.mapper, *_base_.token_neck, *_base_.head_neck],
)
"""


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('tiny_vis')
    for name in ('train', 'valid'):
        make_tiny_vis(
            root, size=SIZE, video_len=VIDEO_LEN, absent=(4,), ann_name=f'{name}.json'
        )
    return str(root)


def read_config(path, parts, data, backbone, neck, head):
    """Write a config of three parts, and read it."""
    text = CONFIG.format(
        parts=REPO / parts,
        data=REPO / data,
        runtime=REPO / 'configs/_base_/default_runtime.py',
        backbone=backbone,
        neck=neck,
        head=head,
    )
    assert len(text.splitlines()) <= 15
    path.write_text(text)
    init_default_scope('mmvis')
    torch.manual_seed(0)
    return Config.fromfile(path)


@pytest.fixture
def compose(tmp_path, data_root):
    """Read a config of three tiny parts and the data on disk."""

    def read(*names, **changes):
        parts = 'tests/data/configs/parts'
        cfg = read_config(tmp_path / 'a.py', parts, f'{parts}/data.py', *names)
        for split in ('train', 'val', 'test'):
            cfg[f'{split}_dataloader'].dataset.data_root = data_root
        cfg.merge_from_dict(changes)
        return cfg

    return read


def train_two_steps(model, cfg):
    """Train; give the names of the parameters that no gradient reached."""
    model.train()
    unreached, weights = set(), {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            unreached.add(name)
            weights[name] = p.detach().clone()
            p.register_post_accumulate_grad_hook(lambda _, n=name: unreached.discard(n))
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batches = iter(Runner.build_dataloader(cfg.train_dataloader, seed=0))
    for _ in range(2):
        losses = model.train_step(next(batches), optim_wrapper)
        assert all(torch.isfinite(value) for value in losses.values())
    after = dict(model.named_parameters())
    for part in ('backbone', 'necks', 'head'):
        names = [name for name in weights if name.startswith(part)]
        assert any(not torch.equal(weights[name], after[name]) for name in names)
    return unreached


def find_tracks(model, cfg):
    """Test the model on the videos of the test set."""
    records = []
    for batch in Runner.build_dataloader(cfg.test_dataloader):
        records += [r for r in model.test_step(batch) if 'pred_track_instances' in r]
    return records


def assert_same_tracks(given, expected):
    """Up to rounding, and a pixel in a thousand whose logit is about 0."""
    assert given.instances_id.tolist() == expected.instances_id.tolist()
    assert given.labels.tolist() == expected.labels.tolist()
    torch.testing.assert_close(given.scores, expected.scores, atol=1e-4, rtol=0)
    num_pixels = num_different = 0
    for masks, references in zip(given.masks, expected.masks, strict=True):
        for pair in zip(masks, references, strict=True):
            a, b = (0 if rle is None else mask_utils.decode(rle) for rle in pair)
            num_pixels += SIZE[0] * SIZE[1]
            num_different += np.sum(a != b)
    assert num_different <= 1e-3 * num_pixels


@pytest.mark.parametrize(
    ('backbone', 'neck', 'head'),
    list(product(BACKBONES, NECKS, HEADS)),
    ids=lambda part: part,
)
def test_model_trains_and_tracks(compose, backbone, neck, head):
    cfg = compose(backbone, neck, head)
    model = MODELS.build(cfg.model)
    model.init_weights()
    unreached = train_two_steps(model, cfg)
    if neck == 'memory' and head not in ('ifc', 'videomt'):
        # What the last exchange gives the tokens, only a head that reads them sees.
        assert cfg.find_unused_parameters
        unreached = {
            n for n in unreached if not n.startswith('necks.1.memory_layers.1')
        }
    if head == 'videomt':  # reads the coarsest level alone
        assert cfg.find_unused_parameters
        finer = r'necks\.0\.|backbone\.norm[0-2]\.'  # mapper and Swin's norms
        unreached = {n for n in unreached if not re.match(finer, n)}
    assert unreached == set()

    model.eval()
    records = find_tracks(model, cfg)
    assert [record.video_id for record in records] == [1, 2]
    for record in records:
        tracks = record.pred_track_instances
        # VisTR drops sequences of an unused class: untrained, perhaps all.
        assert len(tracks) > 0 or head == 'vistr'
        assert torch.isfinite(tracks.scores).all()
        for masks in tracks.masks:
            assert len(masks) == VIDEO_LEN
            for rle in filter(None, masks):
                assert mask_utils.decode(rle).shape == SIZE
    make_fast(model)
    for fast, record in zip(find_tracks(model, cfg), records, strict=True):
        assert_same_tracks(fast.pred_track_instances, record.pred_track_instances)


@pytest.mark.parametrize(
    'names',
    [
        ('resnet50', 'no_tokens', 'ifc'),
        ('pvtv2_b1', 'memory_tokens', 'stqi'),
        ('msgshift_b1', 'messenger_tokens', 'vistr'),
        ('vit_s', 'memory_tokens', 'videomt'),
    ],
    ids='-'.join,
)
def test_parts_of_full_size_fit(tmp_path, names):
    """Swin-T is built from docs/compose.md."""
    data = 'configs/_base_/datasets/youtube_vis_2019.py'
    cfg = read_config(tmp_path / 'a.py', 'configs/_base_', data, *names)
    cfg.model.backbone.init_cfg = None  # no downloads
    assert MODELS.build(cfg.model).head.num_classes == 40


@pytest.mark.parametrize(
    ('head', 'changes', 'message'),
    [
        (
            'ifc',
            {'model.neck.0.in_channels': [8, 16, 32, 128]},
            r'ChannelMapper was built for in_channels=\[8, 16, 32, 128\], but '
            r'SwinTransformer gives 4 levels with \[8, 16, 32, 64\]',
        ),
        (
            'ifc',
            {'model.neck.0.out_channels': 32},
            r'MemoryTokenNeck was built .* ChannelMapper gives 4 levels with \[32, 32',
        ),
        (
            'ifc',
            {'model.neck.1.embed_dims': 32},
            r'IFCHead was built .* MemoryTokenNeck gives .* \[16, 16, 16, 32\]',
        ),
        (
            'ifc',
            {'model.head.embed_dims': 64},
            r'reads at least num_levels=4 levels, the coarsest with embed_dims=64',
        ),
        (
            'stqi',
            {'model.neck': None},
            r'STQIHead was built for in_channels=\[16, 16, 16, 16\], but '
            r'SwinTransformer gives 4 levels with \[8, 16, 32, 64\]',
        ),
        (
            'stqi',
            {'model.neck': None, 'model.head.in_channels': [8, 16, 32, 64]},
            r'head.in_channels is \[8, 16, 32, 64\]\. Put a neck such as FPN',
        ),
        (
            'stqi',
            {'model.head.roi_head.bbox_roi_extractor.featmap_strides': [2, 4, 8, 16]},
            r'feature strides \[2, 4, 8, 16\], but FPN gives \[4, 8, 16, 32\]',
        ),
        (
            'vistr',
            {'model.neck.2.in_channels': [8, 16, 32, 64]},
            r'SpaceTimeEncoderNeck was built .* MemoryTokenNeck gives 4 levels',
        ),
    ],
)
def test_parts_that_do_not_fit_are_named_when_built(compose, head, changes, message):
    cfg = compose('swin', 'memory', head, **changes)
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg.model)


def test_tokens_of_another_width_are_refused_when_built(compose):
    cfg = compose('swin', 'memory', 'ifc')
    cfg.model.neck[1].embed_dims = 32
    fpn = dict(type='FPN', in_channels=[16, 16, 16, 32], out_channels=16, num_outs=4)
    cfg.model.neck = [*cfg.model.neck, fpn]
    with pytest.raises(ValueError, match='IFCHead reads tokens of 16 channels, but'):
        MODELS.build(cfg.model)
