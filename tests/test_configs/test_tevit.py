"""The published recipe of TeViT, golden/tevit/notes.md and optim.json."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import Resize
from mmengine.config import Config
from mmengine.optim import LinearLR, MultiStepLR, build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from torch import nn

from mmvis.converters.tevit import old_names_of
from mmvis.engine.strict_loading import (
    add_new_parameters,
    check_weights,
    drop_other_heads,
)
from mmvis.registry import DATASETS, MODELS
from mmvis.testing import find_golden, make_tiny_vis

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CONFIG_OF = dict(
    msgshift='tevit_msgshift.py', r50='tevit_r50.py', swinl='tevit_swin-l_mst.py'
)


def load_config(name):
    init_default_scope('mmvis')
    cfg = Config.fromfile(CONFIGS / name)
    cfg.model.backbone.init_cfg = None
    return cfg


def read_golden(name):
    return json.loads(find_golden(f'tevit/{name}.json').read_text())


def build_parts(model_cfg):
    """Backbone, neck and head; the large ones without values."""
    backbone = MODELS.build(model_cfg.backbone)
    with torch.device('meta'):
        neck, head = MODELS.build(model_cfg.neck), MODELS.build(model_cfg.head)
    parts = dict(backbone=backbone, necks=nn.ModuleList([neck]), head=head)
    return nn.ModuleDict(parts)


def with_zeros(model):
    """Give a model values, all of them 0."""
    model.to_empty(device='cpu')
    for value in model.state_dict().values():
        value.zero_()
    return model


@pytest.mark.parametrize('variant', CONFIG_OF)
def test_learning_rate_and_decay_of_every_parameter(variant):
    cfg = load_config(CONFIG_OF[variant])
    model = build_parts(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    names = {id(p): name for name, p in model.named_parameters()}
    # The original lists frozen parameters too, as others.
    ours = dict.fromkeys(names.values(), (2.5e-4, 1e-4))
    for group in optimizer.param_groups:
        key = (round(group['lr'], 9), round(group['weight_decay'], 9))
        ours |= {names[id(p)]: key for p in group['params'] if p.requires_grad}
    golden = read_golden('optim')
    expected = {
        (group['lr'], group['weight_decay']): group['num_params']
        for group in golden['param_groups'][variant]
    }
    assert Counter(ours.values()) == expected
    for key, old_names in golden['names'].get(variant, {}).items():
        lr, decay = (float(value.partition('=')[2]) for value in key.split(','))
        for new in old_names_of(dict.fromkeys(old_names)):
            assert ours[new] == (lr, decay), new
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=0.1, norm_type=2)


def test_learning_rate_over_time():
    cfg = load_config('tevit_r50.py')
    param = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([param], lr=cfg.optim_wrapper.optimizer.lr)
    warm_up, steps = ({**s} for s in cfg.param_scheduler)
    assert (warm_up.pop('type'), steps.pop('type')) == ('LinearLR', 'MultiStepLR')
    schedulers = [LinearLR(optimizer, **warm_up), MultiStepLR(optimizer, **steps)]
    rates = []
    for _ in range(cfg.train_cfg.max_iters):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    for i, expected in read_golden('optim')['lr_by_iter'].items():
        assert rates[int(i)] == pytest.approx(expected, rel=1e-6), i
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=16)
    assert cfg.train_dataloader.batch_size == 2


@pytest.mark.parametrize('name', CONFIG_OF.values())
def test_size_of_test_frames(name):
    """Of every original size in the golden file."""
    golden = read_golden('test_pipeline')
    prefix = 'swinl' if 'swin' in name else 'msgshift'
    cfg = load_config(name)
    resize = cfg.test_dataloader.dataset.pipeline[1].transforms[1]
    assert resize.type == 'Resize'
    resize = Resize(scale=resize.scale, keep_ratio=resize.keep_ratio)
    num_sizes = 0
    for key, expected in golden.items():
        if key.startswith(prefix):
            h, w = (int(x) for x in key.rpartition('_')[2].split('x'))
            results = resize(dict(img=np.zeros((h, w, 3), dtype=np.uint8)))
            assert results['img_shape'] == tuple(expected['img_shape'][:2])
            expected_scale = pytest.approx(expected['scale_factor'], abs=1e-6)
            assert [*results['scale_factor']] * 2 == expected_scale
            divisor = cfg.model.data_preprocessor.pad_size_divisor
            padded = [-(-x // divisor) * divisor for x in results['img_shape']]
            assert padded == expected['pad_shape'][:2]
            num_sizes += 1
    assert num_sizes > 2


@pytest.mark.parametrize('name', ['tevit_r50.py', 'tevit_r50_mst.py'])
def test_clips_are_resized_alike(tmp_path, name):
    make_tiny_vis(tmp_path, size=(36, 64), video_len=7, ann_name='train.json')
    cfg = load_config(name)
    dataset_cfg = cfg.train_dataloader.dataset
    dataset_cfg.update(
        data_root=str(tmp_path),
        dataset_version=None,
        ann_file='train.json',
        data_prefix=dict(img='JPEGImages/'),
    )
    dataset = DATASETS.build(dataset_cfg)
    heights = set()
    for i in range(12):
        clip = dataset[i % 2]
        frames = clip['data_samples'].video_data_samples
        assert len(frames) == 5
        assert len({frame.img_shape for frame in frames}) == 1
        assert len({frame.flip for frame in frames}) == 1
        heights.add(frames[0].img_shape[0])
        # From anywhere, without replacement, in any order.
        assert len({frame.frame_id for frame in frames}) == 5
    assert min(heights) >= 360
    assert max(heights) <= 480
    is_choice = heights <= {360, 480}
    assert is_choice == ('mst' in name)


def test_annotated_frames_are_key_frames_equally_often():
    ours = ('small', 'lite')
    paths = [
        path
        for path in CONFIGS.glob('tevit_*.py')
        if not any(word in path.name for word in ours)
    ]
    assert len(paths) == 15
    for path in paths:
        loader = Config.fromfile(path).train_dataloader
        assert loader.sampler.once_per == 'annotated_frame', path.name
        assert loader.dataset.pipeline[0].type == 'SampleKeyFrameClip', path.name


def test_training_starts_from_queryinst():
    """Only class heads and messenger tokens are initialised randomly."""
    cfg = load_config('tevit_msgshift.py')
    coco_cfg = load_config('queryinst_pvtv2-b1_coco.py')
    source = with_zeros(build_parts(coco_cfg.model)).state_dict()
    target = with_zeros(build_parts(cfg.model))
    hook = cfg.default_hooks.strict_load
    weights = dict(source)
    drop_other_heads(target, weights, hook.new_heads)
    add_new_parameters(target, weights, hook.new_parameters)
    check_weights(target, weights, 'queryinst.pth')
    new = [n for n, v in weights.items() if source.get(n) is not v]
    assert len(new) == 6 * 4 + 1
    assert all('fc_cls' in n or 'conv_logits' in n or 'msg_tokens' in n for n in new)
    assert coco_cfg.model.head.roi_head.bbox_head.temporal_attention is False
    assert coco_cfg.train_dataloader.dataset.filter_cfg.filter_empty_gt


@pytest.fixture
def tiny_coco(tmp_path):
    """Folder with a square image and an instance in each of its corners."""
    corners = [(x, y) for x in (0, 40) for y in (0, 40)]
    annotations = [
        dict(
            id=i,
            image_id=1,
            category_id=1,
            bbox=[x, y, 20, 20],
            area=400,
            iscrowd=0,
            segmentation=[[x, y, x + 20, y, x + 20, y + 20, x, y + 20]],
        )
        for i, (x, y) in enumerate(corners)
    ]
    images = [dict(id=1, file_name='1.jpg', height=60, width=60)]
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='person')],
    )
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    cv2.imwrite(str(tmp_path / '1.jpg'), np.zeros((60, 60, 3), dtype=np.uint8))
    return tmp_path


def test_swin_queryinst_sees_whole_images_and_crops(tiny_coco):
    cfg = load_config('queryinst_swin-l_coco.py')
    cfg.train_dataloader.dataset.update(
        data_root=str(tiny_coco), ann_file='instances.json', data_prefix=dict(img='')
    )
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    set_random_seed(0)
    whole, cropped = [], []
    for _ in range(24):
        clip = dataset[0]
        h, w = clip['inputs'].shape[-2:]
        (frame,) = clip['data_samples'].video_data_samples
        assert frame.gt_instances.masks.masks.any()
        is_whole = h == w and len(frame.gt_instances) == 4
        (whole if is_whole else cropped).append((min(h, w), max(h, w)))
    assert all(400 <= short <= 1200 for short, _ in whole)
    assert any(short > 1000 for short, _ in whole)
    assert all(long <= 1333 for _, long in cropped)
    assert any(short < long for short, long in cropped)
    assert 6 <= len(cropped) <= 18


def test_swin_queryinst_has_one_rate_and_no_decay_of_norms():
    """Config of hustvl/QueryInst that `queryinst_swin-l_coco.py` names."""
    cfg = load_config('queryinst_swin-l_coco.py')
    model = nn.ModuleDict(
        dict(
            backbone=nn.ModuleDict(dict(norm1=nn.LayerNorm(2), fc=nn.Linear(2, 2))),
            head=nn.ModuleDict(
                dict(attention_norm=nn.LayerNorm(2), bn=nn.Linear(2, 2))
            ),
        )
    )
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    names = {id(p): name for name, p in model.named_parameters()}
    rates = {names[id(g['params'][0])]: g for g in optimizer.param_groups}
    for name, group in rates.items():
        assert group['lr'] == 2.5e-5
        assert group['weight_decay'] == (0.0 if 'norm' in name else 1e-4)
    assert cfg.optim_wrapper.clip_grad.max_norm == 1
    assert cfg.model.backbone.drop_path_rate == 0.3
    epoch = 263880 // 36
    assert cfg.train_cfg.max_iters == 50 * epoch
    assert cfg.param_scheduler[1].milestones == [40 * epoch]
