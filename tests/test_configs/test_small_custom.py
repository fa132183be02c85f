"""The jittered clips of the small models for one's own videos."""

import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.datasets.seeded_index import SeededIndex
from mmvis.registry import DATASETS
from mmvis.testing import make_tiny_vis

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


@pytest.mark.parametrize(
    ('name', 'clip_len'),
    [
        ('ifc_small_custom_backbone', 1),
        ('ifc_small_custom', 2),
        ('tevit_small_custom', 2),
    ],
)
def test_clips_differ_from_each_other_but_not_within(tmp_path, name, clip_len):
    make_tiny_vis(tmp_path, video_len=5, size=(180, 320), ann_name='train.json')
    for video in (tmp_path / 'JPEGImages').iterdir():
        first, *others = sorted(video.iterdir())
        for frame in others:
            shutil.copy(first, frame)
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    init_default_scope('mmvis')
    dataset = DATASETS.build(
        dict(cfg.train_dataloader.dataset, data_root=str(tmp_path))
    )
    sizes, colours = set(), []
    for draw in range(8):
        item = dataset[SeededIndex(0, seed=(0, draw))]
        num_frames, _, h, w = item['inputs'].shape
        assert num_frames == clip_len
        assert 64 <= h <= 112
        assert 64 <= w <= 112
        assert torch.equal(item['inputs'], item['inputs'][:1].expand_as(item['inputs']))
        sizes.add((h, w))
        colours.append(item['inputs'].float().mean((0, 2, 3)))
    assert len(sizes) > 4
    assert torch.stack(colours).std(0).min() > 1
