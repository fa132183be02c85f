"""Models and clips to measure with."""

from __future__ import annotations

from argparse import Namespace

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.apis import init_model
from mmvis.engine.run_config import merge_options, read_config
from mmvis.models.vis import ClipVISModel
from mmvis.zoo import find_config

__all__ = [
    'annotated_samples',
    'build_model',
    'clip_options',
    'frame_samples',
    'initialize',
    'random_clip',
    'read_cfg',
]

_OFFLINE_CLIP_LEN = 5


def read_cfg(options: Namespace) -> Config:
    """Read the config of the command line with its ``--cfg-options``."""
    cfg = read_config(find_config(options.config))
    merge_options(cfg, options.cfg_options)
    return cfg


def build_model(options: Namespace) -> tuple[ClipVISModel, int]:
    """Build the model of the command line.

    Args:
        options (Namespace): ``config``, ``checkpoint``, ``clip_len``, ``device``,
            ``fast`` and ``cfg_options``.

    Returns:
        tuple[ClipVISModel, int]: In eval mode, and the frames of a clip: those that
        are asked for, else the config's, else five.
    """
    cfg = read_cfg(options)
    clip_len = options.clip_len
    if clip_len is not None:
        cfg.merge_from_dict(clip_options(cfg, clip_len))
    torch.manual_seed(0)
    fast = getattr(options, 'fast', False)
    model = init_model(cfg, options.checkpoint, device=options.device, fast=fast)
    fixed = getattr(model.head, 'clip_len', None)
    known = clip_len or model.test_cfg.clip_len or fixed or _OFFLINE_CLIP_LEN
    return model, known


def clip_options(cfg: Config, clip_len: int) -> dict:
    """Values of a config with which its model takes clips of that length."""
    test_cfg = cfg.model.get('test_cfg') or {}
    changed = {'model.test_cfg.clip_len': clip_len}
    if (test_cfg.get('clip_stride') or 1) > clip_len:
        changed['model.test_cfg.clip_stride'] = clip_len
    if 'clip_len' in cfg.model.head:
        changed['model.head.clip_len'] = clip_len
    return changed


def random_clip(clip_len: int, size: tuple[int, int], device: str) -> Tensor:
    """Normalised frames of noise, shape (1, T, 3, H, W); the same in every call."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, clip_len, 3, *size, generator=generator).to(device)


def frame_samples(frame_inds: range, size: tuple[int, int]) -> list[TrackDataSample]:
    """The data sample of frames of one video, as ``VideoStream.push`` takes it."""
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(metainfo=dict(frame_id=i, img_shape=size, batch_input_shape=size))
        for i in frame_inds
    ]
    return [sample]


def initialize(model: ClipVISModel) -> None:
    """Initialise a model as a training does, without pretrained weights.

    Left as they are built, proposal boxes may have negative sizes.
    """
    for part in model.modules():
        init_cfg = getattr(part, 'init_cfg', None)
        if isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained':
            part.init_cfg = None
    model.init_weights()


def annotated_samples(
    clip_len: int, size: tuple[int, int], num_objects: int, num_classes: int
) -> list[TrackDataSample]:
    """The data sample of a clip with squares as ground truth.

    Args:
        clip_len (int): T.
        size (tuple[int, int]): Height and width of the frames in pixels.
        num_objects (int): Squares; a quarter of the shorter side each.
        num_classes (int): K, which they take in turn.

    Returns:
        list[TrackDataSample]: One.
    """
    samples = frame_samples(range(clip_len), size)
    h, w = size
    side = min(size) // 4
    starts = [n * (min(size) - side) // max(num_objects, 1) for n in range(num_objects)]
    bboxes = torch.tensor([[s, s, s + side, s + side] for s in starts]).float()
    masks = torch.zeros(num_objects, h, w, dtype=torch.uint8)
    for mask, s in zip(masks, starts):
        mask[s : s + side, s : s + side] = 1
    for frame in samples[0].video_data_samples:
        frame.gt_instances = InstanceData(
            labels=torch.arange(num_objects) % num_classes,
            bboxes=bboxes.reshape(-1, 4),
            masks=BitmapMasks(masks.numpy(), h, w),
            visible=torch.ones(num_objects, dtype=torch.bool),
        )
    return samples
