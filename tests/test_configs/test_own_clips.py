"""Configs for one's own videos: values that are set once, photos beside videos."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from mmvis.datasets.seeded_index import SeededIndex
from mmvis.engine.class_count import count_classes, set_num_classes
from mmvis.engine.run_config import merge_options, read_config
from mmvis.registry import DATASETS, MODELS
from mmvis.testing import make_tiny_vis, rle_of

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CHANNELS = {0: [24, 40, 112], 1: [24, 40, 112], 2: [24, 48, 120]}


def read(path, **options):
    cfg = read_config(path)
    merge_options(cfg, options)
    return cfg


@pytest.mark.parametrize('variant', [0, 1, 2])
@pytest.mark.parametrize('method', ['tevit', 'ifc'])
def test_each_value_is_set_once(method, variant):
    options = dict(
        data_root='here', image_scale=(320, 180), num_classes=7, max_minutes=30
    )
    cfg = read(CONFIGS / f'{method}_lite{variant}_custom.py', **options)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.data_root == 'here'
        load = loader.dataset.pipeline[1].transforms[0]
        assert load.decode_scale == (320, 180)
    resize = cfg.train_dataloader.dataset.pipeline[3].transforms[0]
    assert resize.scale == (320, 180)
    assert cfg.test_dataloader.dataset.pipeline[1].transforms[1].scale == (320, 180)
    assert cfg.val_dataloader == cfg.test_dataloader
    assert cfg.train_cfg.max_minutes == 30
    assert cfg.model.head.num_classes == 7
    init_default_scope('mmvis')
    cfg.model.backbone.init_cfg = None  # needs a package
    model = MODELS.build(cfg.model)
    maps = model.backbone(torch.zeros(1, 3, 32, 32))
    assert [m.shape[1] for m in maps] == CHANNELS[variant]


def test_max_iters_is_the_end_of_everything():
    cfg = read(CONFIGS / 'tevit_lite0_custom.py', max_iters=50)
    assert cfg.train_cfg.max_iters == cfg.train_cfg.val_interval == 50
    assert cfg.param_scheduler[1].end == 50


def test_a_config_of_ones_own_is_as_short_as_its_idea(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text(
        f"_base_ = '{CONFIGS}/tevit_lite0_custom.py'\n"
        f"data_root = '{tmp_path}'\n"
        'image_scale = (192, 108)\n'
    )
    make_tiny_vis(tmp_path, classes=('cat', 'dog', 'cow'), ann_name='train.json')
    cfg = read(config)
    assert count_classes(cfg, 'train') == 3
    assert cfg.test_dataloader.dataset.data_root == str(tmp_path)
    assert cfg.test_dataloader.dataset.pipeline[1].transforms[1].scale == (192, 108)


@pytest.fixture
def data(tmp_path):
    """Videos of two classes, and two photos: a dog, a person on a bicycle."""
    classes = ('animal', 'vehicle', 'person', 'rider')
    videos, photos = tmp_path / 'videos', tmp_path / 'photos'
    make_tiny_vis(videos, num_videos=3, classes=classes, ann_name='train.json')
    (photos / 'train').mkdir(parents=True)
    frame = next(videos.glob('JPEGImages/*/*.jpg'))
    names = list(read_config(CONFIGS / 'tevit_lite0_photos.py').class_map)
    names = [*(n for n in names if ' on ' not in n), 'bicycle', 'cup']
    masks = []
    for top, bottom in ((2, 20), (14, 30)):
        mask = np.zeros((48, 64), dtype=np.uint8)
        mask[top:bottom, 10:30] = 1
        masks.append(rle_of(mask))
    kinds = [(1, 'dog', masks[0]), (2, 'person', masks[0]), (2, 'bicycle', masks[1])]
    for image_id in (1, 2):
        shutil.copy(frame, photos / 'train' / f'{image_id}.jpg')
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg', height=48, width=64) for i in (1, 2)],
        categories=[dict(id=i, name=name) for i, name in enumerate(names)],
        annotations=[
            dict(
                id=i,
                image_id=image,
                category_id=names.index(name),
                segmentation=mask,
                iscrowd=0,
            )
            for i, (image, name, mask) in enumerate(kinds)
        ],
    )
    (photos / 'train.json').write_text(json.dumps(content))
    return videos, photos


def test_photos_are_clips_beside_the_videos(data):
    videos, photos = data
    cfg = read(
        CONFIGS / 'tevit_lite0_photos.py',
        data_root=str(videos),
        photo_root=str(photos),
        ratios=[2, 1],
    )
    assert count_classes(cfg, 'train') == 4
    set_num_classes(cfg.model, 4)
    init_default_scope('mmvis')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == 6
    labels = {}
    for i in (2, 5):  # the photo of each round of two videos and a photo
        sample = dataset[SeededIndex(i, seed=(0, i))]
        assert sample['inputs'].shape[0] == 2
        frames = sample['data_samples'].video_data_samples
        labels[Path(frames[0].img_path).stem] = [
            frame.gt_instances.labels.tolist() for frame in frames
        ]
    assert labels == {'1': [[0], [0]], '2': [[3], [3]]}
    assert dataset[0]['inputs'].shape[0] == 2
