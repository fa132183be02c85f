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

from mmvis.converters import convert_ifc
from mmvis.registry import MODELS
from mmvis.testing import find_golden, load_pseudo

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
pseudo = load_pseudo()


@lru_cache(maxsize=1)
def pseudo_weights(variant):
    manifest = find_golden(f'ifc/{variant}_manifest.json')
    return pseudo.pseudo_state_dict(pseudo.load_manifest(manifest))


class IFCGolden:
    """One golden file of IFC: its arrays, weights, clips and targets."""

    def __init__(self, name):
        self.name = name
        self.variant = 'r101' if 'r101' in name else 'r50'
        self.arrays = np.load(self.path_of(f'{name}.npz'), allow_pickle=False)

    @property
    def meta(self):
        return json.loads(self.path_of('meta.json').read_text())

    @staticmethod
    def path_of(name):
        return find_golden(f'ifc/{name}')

    def __getitem__(self, key):
        return torch.from_numpy(self.arrays[key])

    def __contains__(self, key):
        return key in self.arrays.files

    def source_weights(self):
        weights = dict(pseudo_weights(self.variant))
        weights['criterion.empty_weight'] = np.array([1.0] * 40 + [0.1])
        for key in self.arrays.files:
            kind, _, name = key.partition('/')
            if kind == 'scale':
                weights[name] = weights[name] * self.arrays[key]
            elif kind == 'override':
                weights[name] = self.arrays[key]
        return {k: torch.from_numpy(np.float32(v)) for k, v in weights.items()}

    def build_model(self):
        init_default_scope('mmvis')
        cfg = Config.fromfile(CONFIGS / f'ifc_{self.variant}.py')
        cfg.model.backbone.init_cfg = None
        model = MODELS.build(cfg.model)
        weights = convert_ifc(self.source_weights(), model.state_dict())
        model.load_state_dict(weights, strict=True)
        return model.eval()

    def clips(self):
        seeds = self.arrays['clip_seeds'] if 'clip_seeds' in self else [0]
        shapes = self.arrays['clip_shapes']
        clips = [pseudo.pseudo_clip(*s[:3], seed=i) for s, i in zip(shapes, seeds)]
        if 'input_checksum' in self:
            sums = [int(clip.sum(dtype=np.int64)) for clip in clips]
            assert sums == self.arrays['input_checksum'].tolist()
        return clips

    def batch(self, model):
        """Preprocessed clips, as a data loader of frames in BGR gives them."""
        clips = self.clips()
        # MMDetection loads BGR.
        inputs = [
            torch.from_numpy(c[..., ::-1].copy()).permute(0, 3, 1, 2) for c in clips
        ]
        samples = [self._sample(b, clip) for b, clip in enumerate(clips)]
        data = dict(inputs=inputs, data_samples=samples)
        batch = model.data_preprocessor(data)
        return batch['inputs'], batch['data_samples']

    def _sample(self, b, clip):
        sample = TrackDataSample()
        frames = [DetDataSample(metainfo=dict(img_shape=f.shape[:2])) for f in clip]
        if f'gt_labels_{b}' in self:
            masks, labels = self._targets(b)
            for t, frame in enumerate(frames):
                frame.gt_instances = InstanceData(
                    labels=labels,
                    masks=BitmapMasks(masks[:, t], *masks.shape[2:]),
                    bboxes=torch.zeros(len(labels), 4),
                    visible=torch.from_numpy(masks[:, t].any((1, 2))),
                )
        sample.video_data_samples = frames
        return sample

    def _targets(self, b):
        shape = self.arrays[f'gt_masks_{b}_shape']
        bits = self.arrays[f'gt_masks_{b}_bits']
        masks = np.unpackbits(bits)[: np.prod(shape)].reshape(shape)
        for n, t in self.arrays[f'gt_absent_{b}'].reshape(-1, 2):
            masks[n, t] = 0
        seen = masks.any((1, 2, 3))
        return masks[seen], self[f'gt_labels_{b}'].long()[torch.from_numpy(seen)]


@pytest.fixture
def ifc_golden():
    """Gives :class:`IFCGolden` by file name."""
    return IFCGolden


@pytest.fixture
def configs():
    """Folder of the config files."""
    return CONFIGS
