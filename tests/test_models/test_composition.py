"""Every backbone works with every token neck and every head."""

from itertools import product
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from pycocotools import mask as mask_utils

from mmvis.registry import MODELS
from mmvis.testing import make_tiny_vis

REPO = Path(__file__).parents[2]
BACKBONES = ('resnet', 'swin', 'pvtv2')
NECKS = ('none', 'memory', 'messenger')
HEADS = ('ifc',)
SIZE, VIDEO_LEN = (64, 96), 5
CONFIG = """\
_base_ = [
    '{parts}/backbones/{backbone}.py',
    '{parts}/necks/{neck}.py',
    '{parts}/heads/{head}.py',
    '{parts}/data.py',
    '{configs}/_base_/default_runtime.py',
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


@pytest.fixture
def compose(tmp_path, data_root):
    """Write a config of three parts, and read it."""

    def write(backbone, neck, head, **changes):
        text = CONFIG.format(
            parts=REPO / 'tests/data/configs/parts',
            configs=REPO / 'configs',
            backbone=backbone,
            neck=neck,
            head=head,
        )
        assert len(text.splitlines()) <= 15
        path = tmp_path / f'{backbone}_{neck}_{head}.py'
        path.write_text(text)
        cfg = Config.fromfile(path)
        for split in ('train', 'val', 'test'):
            cfg[f'{split}_dataloader'].dataset.data_root = data_root
        cfg.merge_from_dict(changes)
        return cfg

    init_default_scope('mmvis')
    torch.manual_seed(0)
    return write


def train_two_steps(model, cfg):
    """Train; give the names of the parameters that should have learnt but did not."""
    model.train()
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in learning.items()}
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batches = iter(Runner.build_dataloader(cfg.train_dataloader, seed=0))
    for _ in range(2):
        losses = model.train_step(next(batches), optim_wrapper)
        assert all(torch.isfinite(value) for value in losses.values())
    return {name for name, p in learning.items() if torch.equal(p, before[name])}


@pytest.mark.parametrize(
    ('backbone', 'neck', 'head'),
    list(product(BACKBONES, NECKS, HEADS)),
    ids=lambda part: part,
)
def test_model_trains_and_tracks(compose, backbone, neck, head):
    cfg = compose(backbone, neck, head)
    model = MODELS.build(cfg.model)
    model.init_weights()
    assert train_two_steps(model, cfg) == set()

    model.eval()
    records = []
    for batch in Runner.build_dataloader(cfg.test_dataloader):
        records += [r for r in model.test_step(batch) if 'pred_track_instances' in r]
    assert [record.video_id for record in records] == [1, 2]
    for record in records:
        tracks = record.pred_track_instances
        assert torch.isfinite(tracks.scores).all()
        for masks in tracks.masks:
            assert len(masks) == VIDEO_LEN
            for rle in filter(None, masks):
                assert mask_utils.decode(rle).shape == SIZE


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'model.neck.0.in_channels': [8, 16, 32, 128]},
            r'ChannelMapper was built for in_channels=\[8, 16, 32, 128\], but '
            r'SwinTransformer gives 4 levels with \[8, 16, 32, 64\]',
        ),
        (
            {'model.neck.0.out_channels': 32},
            r'MemoryTokenNeck was built .* ChannelMapper gives 4 levels with \[32, 32',
        ),
        (
            {'model.neck.1.embed_dims': 32},
            r'IFCHead was built .* MemoryTokenNeck gives .* \[16, 16, 16, 32\]',
        ),
        (
            {'model.neck': None, 'model.head.embed_dims': 64},
            r'reads at least num_levels=4 levels, the coarsest with embed_dims=64',
        ),
    ],
)
def test_parts_that_do_not_fit_are_named_when_built(compose, changes, message):
    cfg = compose('swin', 'memory', 'ifc', **changes)
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg.model)
