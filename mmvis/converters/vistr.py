"""Converter of the published VisTR and DETR checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mmvis.converters.detr_transformer import DECODER_LAYER, ENCODER_LAYER, layer_rows
from mmvis.converters.rename import check_complete, rename, split_counters
from mmvis.errors import UserKeyError

__all__ = [
    'convert_detr',
    'convert_vistr',
    'export_vistr',
    'old_names_of_vistr',
    'vistr_shape_of',
]

_TRANSFORMER = 'vistr.transformer.'
# Conv2d and GroupNorm of the mask head, and Conv3d with GroupNorm, by their place.
_TABLE = [
    ('vistr.backbone.0.body.', 'backbone.'),
    ('vistr.input_proj.', 'necks.0.input_proj.'),
    *layer_rows(_TRANSFORMER + 'encoder.layers', 'necks.0.layers', ENCODER_LAYER),
    *layer_rows(_TRANSFORMER + 'decoder.layers', 'head.decoder.layers', DECODER_LAYER),
    (_TRANSFORMER + 'decoder.norm.', 'head.decoder.norm.'),
    ('vistr.query_embed.', 'head.decoder.query_embed.'),
    ('vistr.class_embed.', 'head.class_embed.'),
    ('vistr.bbox_embed.', 'head.bbox_embed.'),
    ('bbox_attention.', 'head.bbox_attention.'),
    *((f'mask_head.lay{i + 1}.', f'head.mask_head.convs.{i}.') for i in range(4)),
    *((f'mask_head.gn{i + 1}.', f'head.mask_head.norms.{i}.') for i in range(5)),
    *(
        (f'mask_head.adapter{i + 1}.', f'head.mask_head.lateral_convs.{i}.')
        for i in range(3)
    ),
    ('mask_head.conv_offset.', 'head.mask_head.conv_offset.'),
    ('mask_head.dcn.', 'head.mask_head.dcn.'),
    ('insmask_head.', 'head.sequence_head.layers.'),
]
_CLASS_WEIGHT = 'vistr.class_embed.weight'
_CLASS_WEIGHTS = ('head.class_embed.weight', 'head.class_embed.bias')
# Weights of DETR that VisTR does not have.
_ONLY_IN_DETR = re.compile(
    r'(vistr\.(class_embed|query_embed)\.|mask_head\.(lay5|out_lay)\.)'
)
# Weights of VisTR that DETR does not have; class_embed, query_embed differ in meaning.
_NEW_IN_VISTR = re.compile(
    r'head\.(class_embed|decoder\.query_embed|sequence_head|mask_head\.(dcn|conv_offset))\.'
)
_MASK_BRANCH = re.compile(r'head\.(bbox_attention|mask_head)\.')


def vistr_shape_of(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Numbers of classes and queries of a published VisTR checkpoint.

    Returns:
        dict[str, int]: ``num_classes`` (K) and ``num_queries`` (N * T).

    Raises:
        KeyError: If it is not a VisTR checkpoint.
    """
    if _CLASS_WEIGHT not in tensors or 'insmask_head.0.weight' not in tensors:
        raise UserKeyError(
            f'The checkpoint lacks "{_CLASS_WEIGHT}" or "insmask_head.0.weight": it is '
            'not one of VisTR.'
        )
    return dict(
        num_classes=len(tensors[_CLASS_WEIGHT]) - 2,
        num_queries=len(tensors['vistr.query_embed.weight']),
    )


def old_names_of_vistr(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Find the original name of every weight by its name in mmvis.

    Raises:
        KeyError: If a weight is unknown.
    """
    return rename(tensors, _TABLE)


def convert_vistr(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn the weights of a published VisTR checkpoint into those of a model.

    The original has a class 0 that no category has, then the categories with ids 1 to
    K, then no-object. Here labels begin with 0: classes 1 to K become labels 0 to
    K - 1, and class 0 the unused class behind them.

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
    old_names = old_names_of_vistr(tensors)
    check_complete(old_names, tensors, weights)
    converted = {new: tensors[old] for new, old in old_names.items()}
    for name in _CLASS_WEIGHTS:
        converted[name] = converted[name][_class_order(converted[name])]
    return converted | counters


def export_vistr(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the weights of a VisTR into those of a checkpoint of the original.

    Args:
        weights (Mapping[str, Tensor]): Weights by the names of mmvis.

    Returns:
        dict[str, Tensor]: Weights by the names of the original, classes in its order.

    Raises:
        KeyError: If a weight is unknown, or those of the classes are missing.
    """
    _, learned = split_counters(weights)
    for name in _CLASS_WEIGHTS:
        if name not in learned:
            raise UserKeyError(
                f'The checkpoint lacks "{name}": it is not one of VisTR.'
            )
        order = _class_order(learned[name])
        learned[name] = learned[name][order.argsort()]
    new_names = rename(learned, _TABLE, reverse=True)
    return {new: learned[old] for new, old in new_names.items()}


def convert_detr(
    tensors: Mapping[str, Tensor], initial: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """Start a VisTR from a DETR with the same width (the original: 384).

    Taken are backbone, transformer, box head and, where the file has a mask branch,
    box attention and all of the mask head but its last convolution. Classes, queries,
    deformable convolution and 3-D convolutions keep their random initialisation.

    Args:
        tensors (Mapping[str, Tensor]): Weights of DETR, with or without masks.
        initial (Mapping[str, Tensor]): State dict of a new mmvis model.

    Returns:
        tuple[dict[str, Tensor], list[str]]: All weights of the model, and the names
        of those that are not DETR's.

    Raises:
        KeyError: If a weight is unknown or missing.
        ValueError: If a shape differs.
    """
    renamed = {_as_vistr(name): value for name, value in tensors.items()}
    renamed = {n: v for n, v in renamed.items() if not _ONLY_IN_DETR.match(n)}
    counters, weights = split_counters(initial)
    has_masks = 'mask_head.lay1.weight' in renamed
    fresh = [
        name
        for name in weights
        if _NEW_IN_VISTR.match(name) or (not has_masks and _MASK_BRANCH.match(name))
    ]
    old_names = old_names_of_vistr(renamed)
    wanted = {name: v for name, v in weights.items() if name not in fresh}
    check_complete(old_names, renamed, wanted)
    taken = {new: renamed[old] for new, old in old_names.items()}
    return taken | {name: weights[name] for name in fresh} | counters, fresh


def _class_order(weight: Tensor) -> Tensor:
    """Index in the original of each output."""
    last = len(weight) - 1
    return torch.tensor([*range(1, last), 0, last])


def _as_vistr(name: str) -> str:
    """Name that a weight of DETR has in VisTR."""
    if name.startswith(('bbox_attention.', 'mask_head.')):
        return name
    return 'vistr.' + name.removeprefix('detr.')
