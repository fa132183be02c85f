"""Convert checkpoints of VisTR to mmvis and back."""

from __future__ import annotations

from pathlib import Path

from mmvis import converters
from mmvis.commands.convert.converter import Converter
from mmvis.errors import UserValueError
from mmvis.zoo import find_config

EXAMPLES = """examples:
  # the variant is detected from the weights; the result is for configs/vistr_r50.py
  mmvis convert vistr vistr_r50.pth vistr_r50_mmvis.pth
  mmvis test configs/vistr_r50.py vistr_r50_mmvis.pth

  # a VisTR trained with mmvis, with the names of the original
  mmvis convert vistr --reverse iter_9000.pth vistr.pth
"""


def convert(tensors: dict, config: str | None) -> dict:
    """Turn a checkpoint into the weights of a model."""
    model_cfg = load_vistr_cfg(config, tensors)
    return converters.convert_vistr(tensors, converters.initial_weights(model_cfg))


def load_vistr_cfg(config: str | Path | None, tensors: dict) -> dict:
    """Config of the model that the weights are for."""
    shape = converters.vistr_shape_of(tensors)
    if config is None:
        is_r101 = 'vistr.backbone.0.body.layer3.6.conv1.weight' in tensors
        config = find_config('vistr_r101' if is_r101 else 'vistr_r50')
    model_cfg = converters.load_model_cfg(config)
    head = model_cfg.head
    head.num_classes = shape['num_classes']
    if shape['num_queries'] % head.num_instances:
        raise UserValueError(
            f'The checkpoint has {shape["num_queries"]} queries, no multiple of the '
            f'{head.num_instances} instances of {config}. Set head.num_instances in a '
            'config of your own and give it with --config.'
        )
    clip_len = shape['num_queries'] // head.num_instances
    if clip_len != head.clip_len:
        print(
            f'The checkpoint is for clips of {clip_len} frames: set '
            'model.head.clip_len and model.test_cfg.clip_len, and '
            'model.test_cfg.clip_stride to no more.'
        )
    head.clip_len = clip_len
    # Of the model only the names and shapes of its weights are needed.
    model_cfg.test_cfg = dict(clip_len=clip_len)
    return model_cfg


main = Converter(
    __doc__,
    examples=EXAMPLES,
    default_config='by the depth of its ResNet',
    convert=convert,
    export=lambda weights: converters.export_vistr(weights),
    export_key='model',
)
