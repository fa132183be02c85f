import json
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

from mmvis.converters import convert_vistr
from mmvis.registry import MODELS
from mmvis.testing import find_golden, load_pseudo

CONFIGS = Path(__file__).resolve().parents[4] / 'configs'
pseudo = load_pseudo()


def find(name):
    return find_golden(f'vistr/{name}')


@lru_cache(maxsize=2)
def source_weights(manifest, seed, with_gains):
    """Stand-in weights by the names of the original."""
    weights = pseudo.pseudo_state_dict(pseudo.load_manifest(find(manifest)), seed)
    if with_gains:
        for gain in json.loads(find('gains.json').read_text()):
            channels = slice(*(gain['input_channels'] or [None]))
            weight = np.atleast_2d(weights[gain['name']])  # a view
            weight[:, channels] *= gain['factor']
    return {name: torch.from_numpy(value) for name, value in weights.items()}


class VisTRGolden:
    """One golden file of VisTR with the model and the clip that it is of."""

    def __init__(self, name, recipe=None):
        self.arrays = np.load(find(f'{name}.npz'), allow_pickle=False)
        # The file that says how its model and clip are made.
        made = np.load(find(f'{recipe or name}.npz'), allow_pickle=False)
        self.recipe = json.loads(str(made['recipe']))

    @staticmethod
    def find(name):
        return find(name)

    @property
    def meta(self):
        return json.loads(find('meta.json').read_text())

    def __getitem__(self, key):
        return torch.from_numpy(np.asarray(self.arrays[key]))

    def __contains__(self, key):
        return key in self.arrays.files

    def source_weights(self):
        recipe = self.recipe
        return source_weights(
            recipe['manifest'], recipe['seed'], recipe['gains'] is not None
        )

    def build_model(self, as_published=True):
        init_default_scope('mmvis')
        cfg = Config.fromfile(CONFIGS / '_base_/models/vistr_r50.py').model
        cfg.backbone.init_cfg = None
        cfg.head.clip_len = self.recipe['num_frames']
        cfg.test_cfg.clip_len = self.recipe['num_frames']
        cfg.test_cfg.clip_stride = 1
        cfg.head.criterion.as_published = as_published
        model = MODELS.build(cfg)
        weights = convert_vistr(self.source_weights(), model.state_dict())
        model.load_state_dict(weights, strict=True)
        return model.eval()

    def clip(self):
        recipe = self.recipe
        return pseudo.pseudo_clip(
            recipe['num_frames'], recipe['height'], recipe['width'], recipe['seed']
        )

    def batch(self, model, case=None):
        """Preprocessed clip, as a data loader of frames in BGR gives it."""
        clip = self.clip()
        # MMDetection loads BGR.
        bgr = torch.from_numpy(clip[..., ::-1].copy()).permute(0, 3, 1, 2)
        sample = TrackDataSample()
        size = clip.shape[1:3]
        sample.video_data_samples = [
            DetDataSample(metainfo=dict(img_shape=size)) for _ in clip
        ]
        if case is not None:
            self._add_targets(sample, case)
        data = dict(inputs=[bgr], data_samples=[sample])
        batch = model.data_preprocessor(data)
        inputs, samples = batch['inputs'], batch['data_samples']
        bottom, right = self.recipe['pad_bottom_right'] or (0, 0)
        return torch.nn.functional.pad(inputs, (0, right, 0, bottom)), samples

    def _add_targets(self, sample, case):
        T = self.recipe['num_frames']
        shape = self.arrays[f'{case}/target_masks_shape']
        bits = np.unpackbits(self.arrays[f'{case}/target_masks'])
        masks = bits[: np.prod(shape)].reshape(-1, T, *shape[1:])
        visible = self[f'{case}/target_valid'].view(-1, T).bool()
        labels = self[f'{case}/target_labels'].view(-1, T).amax(1) - 1
        h, w = shape[1:].tolist()
        cx, cy, bw, bh = self[f'{case}/target_boxes'].view(-1, T, 4).unbind(-1)
        corners = [cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2]
        bboxes = torch.stack(corners, -1) * torch.tensor([w, h, w, h])
        for t, frame in enumerate(sample.video_data_samples):
            frame.gt_instances = InstanceData(
                labels=labels,
                masks=BitmapMasks(masks[:, t], h, w),
                bboxes=bboxes[:, t],
                visible=visible[:, t],
            )


@pytest.fixture
def vistr_golden():
    """Gives :class:`VisTRGolden` by file name."""
    return VisTRGolden


@pytest.fixture
def configs():
    """Folder of the config files."""
    return CONFIGS
