"""Names of the published VisTR checkpoints, and of DETR's, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mmvis.converters.detr_transformer import DECODER_LAYER, ENCODER_LAYER, layer_rules
from mmvis.converters.rename import check_complete, rename
from mmvis.errors import UserKeyError

__all__ = ['convert_detr', 'convert_vistr', 'old_names_of_vistr', 'vistr_shape_of']

_TRANSFORMER = r'vistr\.transformer\.'
# Conv2d and GroupNorm of the mask head, and Conv3d with GroupNorm, by their place.
_TABLE = [
    (r'vistr\.backbone\.0\.body\.', 'backbone.'),
    (r'vistr\.input_proj\.', 'necks.0.input_proj.'),
    *layer_rules(_TRANSFORMER + r'encoder\.layers', 'necks.0.layers', ENCODER_LAYER),
    *layer_rules(
        _TRANSFORMER + r'decoder\.layers', 'head.decoder.layers', DECODER_LAYER
    ),
    (_TRANSFORMER + r'decoder\.norm\.', 'head.decoder.norm.'),
    (r'vistr\.query_embed\.', 'head.decoder.query_embed.'),
    (r'vistr\.class_embed\.', 'head.class_embed.'),
    (r'vistr\.bbox_embed\.', 'head.bbox_embed.'),
    (r'bbox_attention\.', 'head.bbox_attention.'),
    *((rf'mask_head\.lay{i + 1}\.', f'head.mask_head.convs.{i}.') for i in range(4)),
    *((rf'mask_head\.gn{i + 1}\.', f'head.mask_head.norms.{i}.') for i in range(5)),
    *(
        (rf'mask_head\.adapter{i + 1}\.', f'head.mask_head.lateral_convs.{i}.')
        for i in range(3)
    ),
    (r'mask_head\.conv_offset\.', 'head.mask_head.conv_offset.'),
    (r'mask_head\.dcn\.', 'head.mask_head.dcn.'),
    (r'insmask_head\.', 'head.sequence_head.layers.'),
]
_CLASS_WEIGHT = 'vistr.class_embed.weight'
# What DETR has and VisTR has not.
_ONLY_IN_DETR = re.compile(
    r'(vistr\.(class_embed|query_embed)\.|mask_head\.(lay5|out_lay)\.)'
)
# What VisTR has and DETR has not; class_embed and query_embed differ in meaning.
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
    counters, weights = _split_counters(expected)
    old_names = old_names_of_vistr(tensors)
    check_complete(old_names, tensors, weights)
    converted = {new: tensors[old] for new, old in old_names.items()}
    num_outputs = len(converted['head.class_embed.weight'])
    order = torch.tensor([*range(1, num_outputs - 1), 0, num_outputs - 1])
    for name in ('head.class_embed.weight', 'head.class_embed.bias'):
        converted[name] = converted[name][order]
    return converted | counters


def convert_detr(
    tensors: Mapping[str, Tensor], initial: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """Start a VisTR from a DETR with the same width (the original: 384).

    Taken are backbone, transformer, box head and, where the file has a mask branch,
    box attention and all of the mask head but its last convolution. Classes, queries,
    deformable convolution and 3-D convolutions start anew.

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
    counters, weights = _split_counters(initial)
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


def _as_vistr(name: str) -> str:
    """Name that a weight of DETR has in VisTR."""
    if name.startswith(('bbox_attention.', 'mask_head.')):
        return name
    return 'vistr.' + name.removeprefix('detr.')


def _split_counters(
    expected: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Part counters of batch norm, which frozen norms do not have, from weights."""
    counters = {
        name: value
        for name, value in expected.items()
        if name.endswith('num_batches_tracked')
    }
    return counters, {n: v for n, v in expected.items() if n not in counters}
