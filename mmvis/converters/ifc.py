"""Converter of IFC's published checkpoints (Detectron2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mmvis.converters.detectron2_resnet import RESNET_TABLE
from mmvis.converters.detr_transformer import DECODER_LAYER, ENCODER_LAYER, layer_rows
from mmvis.converters.rename import check_complete, rename, split_counters
from mmvis.errors import UserKeyError

__all__ = ['convert_ifc', 'export_ifc', 'num_classes_of', 'old_names_of']

_TRANSFORMER = 'detr.transformer.'
_TABLE = [
    *(('detr.backbone.0.backbone.' + old, new) for old, new in RESNET_TABLE),
    ('detr.input_proj.', 'necks.0.input_proj.'),
    (_TRANSFORMER + 'memory_bus', 'necks.0.memory_tokens'),
    (_TRANSFORMER + 'memory_pos', 'necks.0.memory_pos'),
    *layer_rows(
        _TRANSFORMER + 'encoder.enc_layers', 'necks.0.frame_layers', ENCODER_LAYER
    ),
    *layer_rows(
        _TRANSFORMER + 'encoder.bus_layers', 'necks.0.memory_layers', ENCODER_LAYER
    ),
    *layer_rows(
        _TRANSFORMER + 'clip_decoder.layers', 'head.decoder.layers', DECODER_LAYER
    ),
    (_TRANSFORMER + 'clip_decoder.norm.', 'head.decoder.norm.'),
    ('detr.query_embed.', 'head.decoder.query_embed.'),
    ('detr.class_embed.', 'head.class_embed.'),
    ('detr.mask_head.convert_to_weight.', 'head.mask_kernels.'),
    # The original numbers its levels from the coarsest, mmvis from the finest.
    ('detr.mask_head.lay1.', 'head.mask_features.fusion_convs.2.'),
    ('detr.mask_head.lay2.', 'head.mask_features.fusion_convs.1.'),
    ('detr.mask_head.lay3.', 'head.mask_features.fusion_convs.0.'),
    ('detr.mask_head.gn1.', 'head.mask_features.norms.2.'),
    ('detr.mask_head.gn2.', 'head.mask_features.norms.1.'),
    ('detr.mask_head.gn3.', 'head.mask_features.norms.0.'),
    ('detr.mask_head.adapter1.', 'head.mask_features.lateral_convs.1.'),
    ('detr.mask_head.adapter2.', 'head.mask_features.lateral_convs.0.'),
    *(
        (
            f'detr.mask_head.out_lay.{kind}wise.',
            f'head.mask_features.{kind}wise_conv.',
        )
        for kind in ('depth', 'point')
    ),
]
# The class weights of the loss; mmvis has them in its config.
_LOSS_WEIGHT, _NO_OBJECT_WEIGHT = 'criterion.empty_weight', 0.1
_CLASS_WEIGHT = 'detr.class_embed.layers.1.weight'


def num_classes_of(tensors: Mapping[str, Tensor]) -> int:
    """K of a published IFC checkpoint.

    Raises:
        KeyError: If it is not an IFC checkpoint.
    """
    if _CLASS_WEIGHT not in tensors:
        raise UserKeyError(
            f'The checkpoint lacks "{_CLASS_WEIGHT}": it is not one of IFC.'
        )
    return len(tensors[_CLASS_WEIGHT]) - 1


def old_names_of(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Find the original name of every weight by its name in mmvis.

    Raises:
        KeyError: If a weight is unknown.
    """
    return rename(tensors, _TABLE, (_LOSS_WEIGHT,))


def convert_ifc(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn the weights of a published IFC checkpoint into those of a model.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the original.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Returns:
        dict[str, Tensor]: Weights by the names of mmvis.

    Raises:
        KeyError: If a weight is unknown, missing or left over.
        ValueError: If a shape differs.
    """
    counters, weights = split_counters(expected)
    old_names = old_names_of(tensors)
    check_complete(old_names, tensors, weights)
    return {new: tensors[old] for new, old in old_names.items()} | counters


def export_ifc(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the weights of an IFC into those of a checkpoint of the original.

    The class weights of the loss, a buffer of the original, are its default: 0.1 for
    no-object.

    Args:
        weights (Mapping[str, Tensor]): Weights by the names of mmvis.

    Returns:
        dict[str, Tensor]: Weights by the names of the original (Detectron2).

    Raises:
        KeyError: If a weight is unknown, or those of the classes are missing.
    """
    _, learned = split_counters(weights)
    new_names = rename(learned, _TABLE, reverse=True)
    tensors = {new: weights[old] for new, old in new_names.items()}
    tensors[_LOSS_WEIGHT] = torch.ones(num_classes_of(tensors) + 1)
    tensors[_LOSS_WEIGHT][-1] = _NO_OBJECT_WEIGHT
    return tensors
