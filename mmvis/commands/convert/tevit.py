"""Convert checkpoints of TeViT or QueryInst to mmvis and back, of PVTv2 to mmvis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import ConfigDict

from mmvis import converters
from mmvis.commands.convert.converter import Converter
from mmvis.zoo import find_config

EXAMPLES = """examples:
  # TeViT: the variant is detected from the weights; the result is for tools/test.py
  mmvis convert tevit tevit_msgshift.pth tevit_mmvis.pth
  mmvis test configs/tevit_msgshift.py tevit_mmvis.pth

  # QueryInst on COCO, where a training starts. If its number of queries is not that of
  # the config, the tool prints the options that training and testing need:
  #   --cfg-options load_from=queryinst_mmvis.pth
  mmvis convert tevit queryinst_pvtv2-b1.pth \\
      queryinst_mmvis.pth

  # ImageNet weights of PVTv2, B0 to B5, for a backbone; of another than B1 the tool
  # prints the backbone's sizes:
  #   --cfg-options model.backbone.init_cfg.checkpoint=pvt_v2_b1_mmvis.pth
  #       model.backbone.convert_weights=False
  mmvis convert tevit pvt_v2_b1.pth pvt_v2_b1_mmvis.pth

  # a TeViT or QueryInst trained with mmvis, with the names of the original
  mmvis convert tevit --reverse iter_9000.pth tevit.pth
"""


def convert(tensors: dict, config: str | Path | None) -> dict:
    """Turn a checkpoint into the weights of a model, or of PVTv2 alone."""
    model_cfg = load_fitting_cfg(tensors, config)
    if converters.is_pvt_v2(tensors):
        backbone = converters.initial_weights(model_cfg.backbone)
        return converters.convert_pvt_v2(tensors, backbone)
    return converters.convert_tevit(tensors, converters.initial_weights(model_cfg))


def load_fitting_cfg(tensors: dict, config: str | Path | None) -> ConfigDict:
    """Config of the model that the weights are for, with their sizes."""
    config = config or find_config(config_for(tensors))
    model_cfg = converters.load_model_cfg(config)
    sizes: dict[str, Any]
    if converters.is_pvt_v2(tensors):
        sizes = converters.pvt_v2_sizes_of(tensors)
        model_cfg.backbone.setdefault('mlp_ratios', [8, 8, 4, 4])  # MMDetection's
        is_other_width = model_cfg.backbone.get('embed_dims') != sizes['embed_dims']
        changes = resize(model_cfg.backbone, 'model.backbone', sizes)
        if is_other_width:
            channels = [
                len(tensors[f'patch_embed{i}.proj.weight']) for i in range(1, 5)
            ]
            changes.append(as_option('model.neck.in_channels', channels))
    else:
        sizes = converters.tevit_sizes_of(tensors)
        # Training and testing find the number of classes in their config: it is that
        # of the data, and class heads for others are initialised randomly.
        model_cfg.head.num_classes = sizes.pop('num_classes')
        changes = resize(model_cfg.head.rpn_head, 'model.head.rpn_head', sizes)
    if changes:
        print(
            f'These weights have other sizes than {config}. Train and test with\n'
            f'    --cfg-options {" ".join(changes)}'
        )
    return model_cfg


def resize(part: ConfigDict, key: str, sizes: dict) -> list[str]:
    """Give a part the sizes; return those that it did not have, as options."""
    changed = {n: v for n, v in sizes.items() if as_list(part.get(n)) != v}
    part.update(sizes)
    return [as_option(f'{key}.{name}', value) for name, value in changed.items()]


def as_list(value: int | Sequence[int] | None) -> int | list[int] | None:
    """Make a list of a tuple; numbers stay."""
    return value if value is None or isinstance(value, int) else list(value)


def as_option(key: str, value: int | list[int]) -> str:
    """What the command line takes, lists without white space."""
    if isinstance(value, int):
        return f'{key}={value}'
    return f'{key}="{value}"'.replace(' ', '')


def config_for(tensors: dict) -> str:
    """The config whose backbone the weights are of."""
    if converters.is_pvt_v2(tensors):
        return 'queryinst_pvtv2-b1_coco'
    if 'backbone.msg_tokens' in tensors:
        return 'tevit_msgshift'
    if 'backbone.layers.0.0.projection.weight' in tensors:
        return 'queryinst_pvtv2-b1_coco'
    is_swin = 'backbone.patch_embed.projection.weight' in tensors
    if is_swin or converters.is_microsoft_swin(tensors):
        return 'tevit_swin-l_mst'
    return 'tevit_r50'


main = Converter(
    __doc__,
    examples=EXAMPLES,
    default_config='by its backbone',
    convert=convert,
    export=lambda weights: converters.export_tevit(weights),
)
