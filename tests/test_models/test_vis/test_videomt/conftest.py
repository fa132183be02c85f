import importlib.util
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvis.converters import convert_videomt, videomt_sizes_of
from mmvis.registry import MODELS
from mmvis.testing import find_golden, load_pseudo, videomt_cfg

init_default_scope('mmvis')


class GoldenArrays(Mapping):
    """Tensors of a golden file, each read when it is compared."""

    def __init__(self, file):
        self._file = file

    def __getitem__(self, key):
        return torch.from_numpy(self._file[key])

    def __iter__(self):
        return iter(self._file.files)

    def __len__(self):
        return len(self._file.files)


class VideomtGolden:
    """Stand-in weights and inputs, and what transformers makes of them."""

    def __init__(self):
        spec = importlib.util.spec_from_file_location(
            'make_videomt', find_golden('videomt/make.py')
        )
        self.make = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.make)

    def model(self, name, num_heads, attn_mask_prob=0.0):
        """Ours, filled with the weights of a manifest."""
        manifest = load_pseudo().load_manifest(find_golden(f'videomt/{name}.json'))
        shapes = {n: entry['shape'] for n, entry in manifest.items()}
        weights = self.make.draw_weights(shapes)
        weights['attn_mask_probs'].fill_(attn_mask_prob)
        return self.convert(weights, num_heads)

    def convert(self, weights, num_heads):
        cfg = videomt_cfg(**videomt_sizes_of(weights), num_heads=num_heads)
        model = MODELS.build(cfg).eval()
        model.load_state_dict(convert_videomt(weights, model.state_dict()))
        return model

    def arrays(self, name):
        return GoldenArrays(np.load(find_golden(f'videomt/{name}.npz')))

    def samples(self, size):
        """Targets of the segmenter's golden losses, as clips of one frame."""
        masks, labels = self.make.draw_targets(size)
        return [self._sample(m, k, size) for m, k in zip(masks, labels)]

    def _sample(self, masks, labels, size):
        frame = DetDataSample(metainfo=dict(batch_input_shape=(size, size)))
        frame.gt_instances = InstanceData(
            labels=labels,
            masks=BitmapMasks(masks.numpy().astype(np.uint8), size, size),
            bboxes=torch.zeros(len(labels), 4),
            visible=torch.ones(len(labels), dtype=torch.bool),
        )
        sample = TrackDataSample()
        sample.video_data_samples = [frame]
        return sample


@pytest.fixture(scope='session')
def golden():
    return VideomtGolden()
