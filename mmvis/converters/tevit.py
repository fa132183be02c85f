"""From the original TeViT, QueryInst and PVTv2 to mmvis."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmdet.models.backbones.pvt import pvt_convert
from torch import Tensor

from mmvis.converters.rename import check_complete, rename

__all__ = [
    'convert_pvt_v2',
    'convert_tevit',
    'is_pvt_v2',
    'num_tevit_classes_of',
    'old_names_of',
]

# TeViT is QueryInst with messengers and has its names, those of MMDetection 2 and 3;
# only the rooms of the house are put before.
_TABLE = [
    (r'backbone\.', 'backbone.'),
    (r'neck\.', 'necks.0.'),
    (r'(rpn|roi)_head\.', r'head.\g<1>_head.'),
]
_CLASS_WEIGHT = 'roi_head.bbox_head.0.fc_cls.weight'
_PVT_WEIGHT = 'patch_embed1.proj.weight'
_MESSENGERS = 'backbone.msg_tokens'


def num_tevit_classes_of(tensors: Mapping[str, Tensor]) -> int:
    """K of a published TeViT or QueryInst checkpoint.

    Raises:
        KeyError: If it is neither.
    """
    if _CLASS_WEIGHT not in tensors:
        raise KeyError(
            f'The checkpoint lacks "{_CLASS_WEIGHT}": it is one of neither TeViT nor '
            'QueryInst.'
        )
    return len(tensors[_CLASS_WEIGHT])


def is_pvt_v2(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are ImageNet weights in the names of PVT's own repository."""
    return _PVT_WEIGHT in tensors


def old_names_of(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Find the original name of every weight by its name in mmvis.

    Raises:
        KeyError: If a weight is unknown.
    """
    return rename(tensors, _TABLE)


def convert_tevit(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn the weights of a TeViT or QueryInst checkpoint into those of a model.

    Messengers that the checkpoint lacks (QueryInst with PVTv2, for a training of
    MsgShifT) are those of the model.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the original.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Returns:
        dict[str, Tensor]: Weights by the names of mmvis.

    Raises:
        KeyError: If a weight is unknown, missing or left over.
        ValueError: If a shape differs.
    """
    kept: dict[str, Tensor] = {}
    if _MESSENGERS in expected and _MESSENGERS not in tensors:
        kept = {_MESSENGERS: expected[_MESSENGERS]}
    weights = {name: v for name, v in expected.items() if name not in kept}
    old_names = old_names_of(tensors)
    check_complete(old_names, tensors, weights)
    return {new: tensors[old] for new, old in old_names.items()} | kept


def convert_pvt_v2(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn PVTv2's ImageNet weights into those of a backbone.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of PVT's repository; the
            ImageNet classifier is left out.
        expected (Mapping[str, Tensor]): State dict of the backbone, MMDetection's
            ``PyramidVisionTransformerV2`` or ``MsgShifT``, whose messengers stay as
            they are.

    Returns:
        dict[str, Tensor]: Weights of the whole backbone, without prefix.

    Raises:
        KeyError: If a weight is missing or left over.
        ValueError: If a shape differs.
    """
    converted = dict(pvt_convert(dict(tensors)))
    messengers = {n: v for n, v in expected.items() if n == 'msg_tokens'}
    weights = {n: v for n, v in expected.items() if n not in messengers}
    check_complete({n: n for n in converted}, converted, weights)
    return {n: torch.as_tensor(v) for n, v in converted.items()} | messengers
