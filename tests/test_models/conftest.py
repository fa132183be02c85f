import json
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvis.converters import convert_tevit
from mmvis.registry import MODELS
from mmvis.testing import find_golden, load_pseudo

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
pseudo = load_pseudo()
MEAN = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)


def golden_path(name):
    return find_golden(f'tevit/{name}')


@lru_cache(maxsize=1)
def pseudo_tevit_weights(variant, prefix):
    """Stand-in weights of a variant, by the original names; see meta.json."""
    manifest = pseudo.load_manifest(golden_path(f'manifest_{variant}.json'))
    manifest = {k: v for k, v in manifest.items() if k.startswith(prefix)}
    recipe = json.loads(golden_path('meta.json').read_text())['weights']
    weights = pseudo.pseudo_state_dict(manifest)
    for name, value in weights.items():
        for pattern, factor in recipe['multiply']:
            if re.search(pattern, name):
                value = value * np.float32(factor)
        for pattern, term in recipe['add']:
            if re.search(pattern, name):
                value = value + np.float32(term)
        weights[name] = value
    return weights


class TeViTGolden:
    """One golden file of TeViT: its arrays, weights and clips."""

    def __init__(self, name, variant='msgshift'):
        self.variant = variant
        self.arrays = np.load(golden_path(f'{name}.npz'), allow_pickle=False)
        meta = json.loads(golden_path('meta.json').read_text())
        self.recipe = meta['files'][f'{name}.npz'].get('recipe', {})

    def __getitem__(self, key):
        return torch.from_numpy(self.arrays[key])

    def source_weights(self, prefix=''):
        """Weights by the names of the original, of one part or of all."""
        weights = dict(pseudo_tevit_weights(self.variant, prefix))
        for key in self.arrays.files:
            kind, _, name = key.partition('/')
            if kind == 'override' and name.startswith(prefix):
                weights[name] = self.arrays[key]
        return {name: torch.from_numpy(value) for name, value in weights.items()}

    def load_part(self, module, prefix):
        """Fill a module with the weights whose names have a prefix."""
        weights = self.source_weights(prefix)
        weights = {name.removeprefix(prefix): v for name, v in weights.items()}
        module.load_state_dict(weights, strict=True)
        return module.eval()

    def build_model(self):
        """The model of the config, with the stand-in weights, in eval mode."""
        init_default_scope('mmvis')
        cfg = Config.fromfile(CONFIGS / f'tevit_{self.variant}.py')
        cfg.model.backbone.init_cfg = None
        model = MODELS.build(cfg.model)
        weights = convert_tevit(self.source_weights(), model.state_dict())
        model.load_state_dict(weights, strict=True)
        return model.eval()

    @staticmethod
    def assert_same_boxes(bboxes, expected, size):
        """Compare boxes in pixels (..., 4) to 1e-4 of the frame's size (h, w).

        Not to 1e-4 pixels: float32 has steps of 6e-5 near 700, and each of the six
        stages sums the samples of RoIAlign in an order of its own.
        """
        whwh = bboxes.new_tensor([*size[::-1], *size[::-1]])
        torch.testing.assert_close(bboxes / whwh, expected / whwh, atol=1e-4, rtol=0)

    @staticmethod
    def clip(num_frames, size, pad_size, seed=0):
        """Normalised, padded frames (T, 3, H, W)."""
        clip = torch.from_numpy(pseudo.pseudo_clip(num_frames, *size, seed=seed))
        frames = (clip.permute(0, 3, 1, 2).float() - MEAN) / STD
        pad = (0, pad_size[1] - size[1], 0, pad_size[0] - size[0])
        return torch.nn.functional.pad(frames, pad)


@pytest.fixture(scope='session')
def tevit_golden():
    """Gives :class:`TeViTGolden` by file name."""
    return TeViTGolden


COSTS = [
    dict(type='ClassificationCost', weight=1.0),
    dict(type='BBoxL1Cost', box_format='xywh', weight=1.25),
    dict(type='IoUCost', iou_mode='iou', weight=2.0),
]
SEQUENCE_CRITERION = dict(
    type='InstanceSequenceCriterion',
    assigner=dict(
        type='ClipHungarianAssigner',
        match_costs=[dict(type='FrameMeanCost', cost=cost) for cost in COSTS],
    ),
    loss_cls=dict(type='CrossEntropyLoss'),
    loss_bbox=dict(type='L1Loss', loss_weight=5.0),
    loss_iou=dict(type='GIoULoss', loss_weight=2.0),
    loss_mask=dict(type='FocalLoss', gamma=2.0, alpha=0.25),
    loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0),
)


@pytest.fixture
def count_operators():
    """Runs a function and counts the calls of PyTorch's operators by name."""

    def count(function, *args):
        with torch.profiler.profile() as profile:
            function(*args)
        return Counter(event.name for event in profile.events())

    return count


@pytest.fixture
def sequence_criterion():
    """Config of VisTR's criterion, without the numbers of classes."""
    return SEQUENCE_CRITERION


@pytest.fixture
def make_clip_sample():
    """Ground truth of one clip of 40 x 48 pixels: moving boxes, some absent."""

    def make(labels, absent=(), num_frames=4):
        N, (h, w) = len(labels), (40, 48)
        sample = TrackDataSample()
        frames = []
        for t in range(num_frames):
            visible = torch.tensor([(n, t) not in absent for n in range(N)]).bool()
            bboxes = torch.tensor(
                [[4.0 * n, 2 * t + 3, 4 * n + 12, 2 * t + 17] for n in range(N)]
            ).view(-1, 4)
            bboxes = bboxes * visible[:, None]
            masks = torch.zeros(N, h, w, dtype=torch.uint8)
            for mask, (x1, y1, x2, y2) in zip(masks, bboxes.int().tolist()):
                mask[y1:y2, x1:x2] = 1
            frame = DetDataSample(
                metainfo=dict(img_shape=(h, w), batch_input_shape=(h, w))
            )
            frame.gt_instances = InstanceData(
                labels=torch.tensor(labels, dtype=torch.long),
                bboxes=bboxes,
                masks=BitmapMasks(masks.numpy(), h, w),
                visible=visible,
            )
            frames.append(frame)
        sample.video_data_samples = frames
        return sample

    return make
