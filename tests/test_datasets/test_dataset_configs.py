"""The data sets' configs, on tiny data in the layouts that they document."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmvis.datasets import DATASET_CLASSES
from mmvis.testing import make_tiny_vis

CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
LAYOUTS = {
    # config: (version, train json, train images, test json, test images)
    'youtube_vis_2019': (
        '2019',
        'youtube_vis_2019/train.json',
        'youtube_vis_2019/train/JPEGImages',
        'youtube_vis_2019/valid.json',
        'youtube_vis_2019/valid/JPEGImages',
    ),
    'youtube_vis_2019_split': (
        '2019',
        'youtube_vis_2019/train_train.json',
        'youtube_vis_2019/train/JPEGImages',
        'youtube_vis_2019/train_val.json',
        'youtube_vis_2019/train/JPEGImages',
    ),
    'youtube_vis_2021': (
        '2021',
        'youtube_vis_2021/train/instances.json',
        'youtube_vis_2021/train/JPEGImages',
        'youtube_vis_2021/valid/instances.json',
        'youtube_vis_2021/valid/JPEGImages',
    ),
    'youtube_vis_2022': (
        '2022',
        'youtube_vis_2021/train/instances.json',
        'youtube_vis_2021/train/JPEGImages',
        'youtube_vis_2022/valid/instances.json',
        'youtube_vis_2022/valid/JPEGImages',
    ),
    'ovis': (
        'ovis',
        'ovis/annotations_train.json',
        'ovis/train',
        'ovis/annotations_valid.json',
        'ovis/valid',
    ),
    'custom': (
        None,
        'custom/train.json',
        'custom/JPEGImages',
        'custom/valid.json',
        'custom/JPEGImages',
    ),
    'shapes_vis': (
        None,
        'shapes_vis/train.json',
        'shapes_vis/train/JPEGImages',
        'shapes_vis/valid.json',
        'shapes_vis/valid/JPEGImages',
    ),
}
# Clips a process, shapes of training clips, size of test frames (frames are 18x32).
PUBLISHED_SHAPES = (2, [(5, 3, 360, 640), (5, 3, 480, 853)], (360, 640))
SHAPES = {'shapes_vis': (6, [(2, 3, 72, 128)], (72, 128))}
HELD_OUT = ('youtube_vis_2019_split', 'custom', 'shapes_vis')


@pytest.mark.parametrize('name', LAYOUTS)
def test_config_reads_the_documented_layout(
    tmp_path, monkeypatch, mmvis_scope, seeded, name
):
    version, *paths = LAYOUTS[name]
    classes = DATASET_CLASSES.get(version, ('a', 'b'))
    has_annotations = name in HELD_OUT
    data = tmp_path / 'data'
    for ann, images in (paths[:2], paths[2:]):
        make_tiny_vis(
            data,
            num_videos=2,
            video_len=9,
            size=(18, 32),
            classes=classes,
            ann_name=ann,
            img_dir=images,
            annotated=has_annotations or ann == paths[0],
        )
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    train = dict(cfg.train_dataloader, num_workers=0, persistent_workers=False)
    batch = next(iter(Runner.build_dataloader(train, seed=0)))
    batch_size, train_shapes, test_size = SHAPES.get(name, PUBLISHED_SHAPES)
    assert len(batch['inputs']) == batch_size
    for inputs, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
        assert inputs.shape in train_shapes
        gt = sample.video_data_samples[0].gt_instances
        assert gt.masks.masks.shape[1:] == inputs.shape[2:]

    test = dict(cfg.test_dataloader, num_workers=0, persistent_workers=False)
    loader = Runner.build_dataloader(test)
    assert [tuple(b['inputs'][0].shape) for b in loader] == [
        (8, 3, *test_size),
        (1, 3, *test_size),
    ] * 2
    assert loader.dataset.metainfo['classes'] == classes
    assert Path(loader.dataset.metainfo['ann_file']) == Path('data', paths[2])
    if has_annotations:
        assert cfg.val_dataloader == cfg.test_dataloader
        assert cfg.val_cfg.type == 'ValLoop'
        assert cfg.test_evaluator == dict(type='VISMetric')
    else:
        assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None
        # The annotations of OVIS valid have been published.
        only = 'ovis' not in str(cfg.filename)
        assert cfg.test_evaluator == dict(type='VISMetric', format_only=only)


def test_data_root_on_the_command_line(tmp_path, mmvis_scope):
    make_tiny_vis(tmp_path / 'elsewhere', ann_name='valid.json')
    cfg = Config.fromfile(CONFIGS / 'custom.py')
    root = str(tmp_path / 'elsewhere')
    cfg.merge_from_dict({'test_dataloader.dataset.data_root': root})
    loader = Runner.build_dataloader(
        dict(cfg.test_dataloader, num_workers=0) | dict(persistent_workers=False)
    )
    assert loader.dataset.metainfo['ann_file'] == f'{root}/valid.json'


def test_coco_config(tmp_path, monkeypatch, mmvis_scope, seeded):
    (tmp_path / 'data/coco/annotations').mkdir(parents=True)
    (tmp_path / 'data/coco/train2017').mkdir()
    for i in range(4):
        img = np.full((450, 500 + i, 3), 90, dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f'data/coco/train2017/{i}.jpg'), img)
    content = dict(
        images=[
            dict(id=i, file_name=f'{i}.jpg', height=450, width=500 + i)
            for i in range(4)
        ],
        categories=[dict(id=3, name='car')],
        annotations=[
            dict(
                id=1,
                image_id=2,
                category_id=3,
                bbox=[10, 10, 90, 90],
                segmentation=[[10, 10, 100, 10, 100, 100, 10, 100]],
            )
        ],
    )
    path = tmp_path / 'data/coco/annotations/instances_train2017.json'
    path.write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(CONFIGS / 'coco_clip.py')
    train = dict(cfg.train_dataloader, num_workers=0, persistent_workers=False)
    loader = Runner.build_dataloader(train, seed=0)
    assert len(loader.dataset) == 4, 'IFC keeps images without annotation'
    batch = next(iter(loader))
    sizes = torch.tensor([inputs.shape for inputs in batch['inputs']])
    assert sizes[:, :2].tolist() == [[1, 3]] * 4
    assert sizes[:, 2:].amin(dim=1).min() >= 480
    assert sizes[:, 2:].max() <= 1333
