"""Convert checkpoints of IFC to mmvis and back."""

from __future__ import annotations

from pathlib import Path

from mmvis import converters
from mmvis.commands.convert.converter import Converter
from mmvis.zoo import find_config

EXAMPLES = """examples:
  # the variant is detected from the weights; the result is for configs/ifc_r50.py
  mmvis convert ifc ifc_r50.pth ifc_r50_mmvis.pth
  mmvis test configs/ifc_r50.py ifc_r50_mmvis.pth

  # an IFC trained with mmvis, with the names of the original
  mmvis convert ifc --reverse iter_6000.pth ifc.pth
"""


def convert(tensors: dict, config: str | Path | None) -> dict:
    """Turn a checkpoint into the weights of a model."""
    if config is None:
        is_r101 = any('.res4.6.' in name for name in tensors)
        config = find_config('ifc_r101' if is_r101 else 'ifc_r50')
    model_cfg = converters.load_model_cfg(config)
    model_cfg.head.num_classes = converters.num_classes_of(tensors)
    return converters.convert_ifc(tensors, converters.initial_weights(model_cfg))


main = Converter(
    __doc__,
    examples=EXAMPLES,
    default_config='by the depth of its ResNet',
    convert=convert,
    export=lambda weights: converters.export_ifc(weights),
    export_key='model',
)
