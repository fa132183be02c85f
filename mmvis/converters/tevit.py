"""Converter of TeViT, QueryInst and PVTv2."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from mmdet.models.backbones.pvt import pvt_convert
from mmdet.models.backbones.swin import swin_converter
from torch import Tensor

from mmvis.converters.rename import check_complete, rename
from mmvis.errors import UserKeyError

__all__ = [
    'convert_pvt_v2',
    'convert_tevit',
    'export_tevit',
    'is_microsoft_swin',
    'is_pvt_v2',
    'old_names_of',
    'pvt_v2_sizes_of',
    'tevit_sizes_of',
]

# TeViT is QueryInst with messenger tokens and has its names, those of MMDetection 2 and
# 3; only the prefixes of the parts differ.
_TABLE = [
    ('backbone.', 'backbone.'),
    ('neck.', 'necks.0.'),
    ('rpn_head.', 'head.rpn_head.'),
    ('roi_head.', 'head.roi_head.'),
]
_CLASS_WEIGHT = 'roi_head.bbox_head.0.fc_cls.weight'
_QUERY_WEIGHT = 'rpn_head.init_proposal_bboxes.weight'
_PVT_WEIGHT = 'patch_embed1.proj.weight'
_SWIN_WEIGHT = 'backbone.patch_embed.proj.weight'
_MESSENGERS = 'backbone.msg_tokens'


def tevit_sizes_of(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Sizes of a published TeViT or QueryInst checkpoint.

    Returns:
        dict[str, int]: ``num_classes`` (K) and ``num_proposals`` (Q).

    Raises:
        KeyError: If it is neither.
    """
    for name in (_CLASS_WEIGHT, _QUERY_WEIGHT):
        if name not in tensors:
            raise UserKeyError(
                f'The checkpoint lacks "{name}": it is one of neither TeViT nor '
                'QueryInst.'
            )
    return dict(
        num_classes=len(tensors[_CLASS_WEIGHT]),
        num_proposals=len(tensors[_QUERY_WEIGHT]),
    )


def is_microsoft_swin(tensors: Mapping[str, Tensor]) -> bool:
    """Whether a detector's backbone is a Swin in the names of Microsoft's repository.

    QueryInst's has them; TeViT's has those of MMDetection.
    """
    return _SWIN_WEIGHT in tensors


def is_pvt_v2(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are ImageNet weights in the names of PVT's own repository."""
    return _PVT_WEIGHT in tensors


def pvt_v2_sizes_of(tensors: Mapping[str, Tensor]) -> dict[str, int | list[int]]:
    """Arguments of ``PyramidVisionTransformerV2`` that ImageNet weights are for.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of PVT's repository.

    Returns:
        dict[str, int | list[int]]: ``embed_dims``, and for each of the four stages
        ``num_layers`` and ``mlp_ratios``.

    Raises:
        KeyError: If a stage is missing.
    """
    blocks = [re.match(r'block(\d)\.(\d+)\.', name) for name in tensors]
    places = {(int(m[1]), int(m[2])) for m in blocks if m}
    expansions = []  # of the first block of each stage, (C * ratio, C)
    for stage in range(1, 5):
        name = f'block{stage}.0.mlp.fc1.weight'
        if name not in tensors:
            raise UserKeyError(
                f'The checkpoint lacks "{name}": it is not a whole PVTv2 of four '
                'stages.'
            )
        expansions.append(tensors[name].shape)
    return dict(
        embed_dims=len(tensors[_PVT_WEIGHT]),
        num_layers=[sum(s == stage for s, _ in places) for stage in range(1, 5)],
        mlp_ratios=[widened // C for widened, C in expansions],
    )


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

    Messenger tokens that the checkpoint lacks (QueryInst with PVTv2, for a training of
    MsgShifT) are those of the model. A Swin in Microsoft's names passes through
    MMDetection's converter, which reorders the patches that are merged.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the original.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Returns:
        dict[str, Tensor]: Weights by the names of mmvis.

    Raises:
        KeyError: If a weight is unknown, missing or left over.
        ValueError: If a shape differs.
    """
    if is_microsoft_swin(tensors):
        tensors = _with_names_of_mmdet(tensors)
    kept: dict[str, Tensor] = {}
    if _MESSENGERS in expected and _MESSENGERS not in tensors:
        kept = {_MESSENGERS: expected[_MESSENGERS]}
    weights = {name: v for name, v in expected.items() if name not in kept}
    old_names = old_names_of(tensors)
    check_complete(old_names, tensors, weights)
    return {new: tensors[old] for new, old in old_names.items()} | kept


def export_tevit(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the weights of a TeViT or QueryInst into those of the original.

    A Swin keeps MMDetection's names, which TeViT's own has as well.

    Args:
        weights (Mapping[str, Tensor]): Weights by the names of mmvis.

    Returns:
        dict[str, Tensor]: Weights by the names of the original.

    Raises:
        KeyError: If a weight is unknown, or it is neither of the two.
    """
    new_names = rename(weights, _TABLE, reverse=True)
    tensors = {new: weights[old] for new, old in new_names.items()}
    tevit_sizes_of(tensors)  # raises where it is another model
    return tensors


def convert_pvt_v2(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn PVTv2's ImageNet weights into those of a backbone.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of PVT's repository; the
            ImageNet classifier is left out.
        expected (Mapping[str, Tensor]): State dict of the backbone, MMDetection's
            ``PyramidVisionTransformerV2`` or ``MsgShifT``, whose messenger tokens
            stay as they are.

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


def _with_names_of_mmdet(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a detector's Swin."""
    prefix = 'backbone.'
    swin = {
        n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)
    }
    rest = {n: v for n, v in tensors.items() if not n.startswith(prefix)}
    return dict(swin_converter(swin)) | rest
