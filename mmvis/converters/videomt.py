"""Converter of the published VidEoMT and EoMT checkpoints."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mmvis.converters.rename import check_complete, rename
from mmvis.errors import UserKeyError

__all__ = ['convert_videomt', 'export_videomt', 'videomt_sizes_of']


class _Form(NamedTuple):
    """Names that parts of the network have in checkpoints of one kind."""

    column: int  # of the tables below
    blocks: str
    prefixes: tuple[str, ...]


_FORMS = {
    'authors': _Form(1, 'encoder.backbone.blocks', ('backbone.', 'network.')),
    'transformers': _Form(2, 'layers', ()),
}
# In mmvis, in the authors' checkpoints, in those of Hugging Face's transformers.
_PARTS = (
    ('backbone.cls_token', 'encoder.backbone.cls_token', 'embeddings.cls_token'),
    ('backbone.reg_token', 'encoder.backbone.reg_token', 'embeddings.register_tokens'),
    (
        'backbone.pos_embed',
        'encoder.backbone.pos_embed',
        'embeddings.position_embeddings.weight',
    ),
    (
        'backbone.patch_embed.',
        'encoder.backbone.patch_embed.proj.',
        'embeddings.patch_embeddings.projection.',
    ),
    ('head.norm.', 'encoder.backbone.norm.', 'layernorm.'),
    ('head.query_feat.', 'q.', 'query.'),
    ('head.query_updater.', 'query_updater.', 'query_updater.'),
    ('head.attn_mask_probs', 'attn_mask_probs', 'attn_mask_probs'),
    ('head.class_embed.', 'class_head.', 'class_predictor.'),
    ('head.mask_embed.0.', 'mask_head.0.', 'mask_head.fc1.'),
    ('head.mask_embed.2.', 'mask_head.2.', 'mask_head.fc2.'),
    ('head.mask_embed.4.', 'mask_head.4.', 'mask_head.fc3.'),
    (
        'head.upscaler.steps.#.conv#.',
        'upscale.#.conv#.',
        'upscale_block.block.#.conv#.',
    ),
    (
        'head.upscaler.steps.#.norm.',
        'upscale.#.norm.',
        'upscale_block.block.#.layernorm2d.',
    ),
)
_IN_BLOCK = (
    ('norm#.', 'norm#.', 'norm#.'),
    ('attn.qkv.', 'attn.qkv.', 'attention.qkv.'),
    ('attn.q_bias', 'attn.q_bias', 'attention.q_bias'),
    ('attn.v_bias', 'attn.v_bias', 'attention.v_bias'),
    ('attn.proj.', 'attn.proj.', 'attention.out_proj.'),
    ('ls#.gamma', 'ls#.gamma', 'layer_scale#.lambda1'),
    ('mlp.', 'mlp.', 'mlp.'),
)
# DINOv3's names in transformers, and DINOv2's for the same.
_DINOV3 = (
    ('embeddings.patch_embeddings.', 'embeddings.patch_embeddings.projection.'),
    ('.attention.q_proj.bias', '.attention.q_bias'),
    ('.attention.v_proj.bias', '.attention.v_bias'),
    ('.attention.o_proj.', '.attention.out_proj.'),
    ('.mlp.up_proj.', '.mlp.fc1.'),
    ('.mlp.down_proj.', '.mlp.fc2.'),
)
# Colours, weights of the loss, and a token that only DINOv2's pre-training used.
_CLASS_WEIGHT, _NO_OBJECT_WEIGHT = 'criterion.empty_weight', 0.1
_MASK_TOKEN = 'embeddings.mask_token'
_DROPPED = (
    'encoder.pixel_mean',
    'encoder.pixel_std',
    _CLASS_WEIGHT,
    _MASK_TOKEN,
)
_FRAME_BLOCK, _QUERY_BLOCK = r'backbone\.blocks\.(\d+)\.', r'head\.blocks\.(\d+)\.'


def videomt_sizes_of(tensors: Mapping[str, Tensor]) -> dict[str, int | str | None]:
    """Sizes of a published VidEoMT or EoMT.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the original.

    Returns:
        dict: ``embed_dims``, ``num_frame_blocks``, ``num_query_blocks``,
        ``num_queries``, ``num_classes``, ``num_upscale_steps``, ``num_registers``,
        ``patch_size``, ``img_size`` (None without position embeddings), ``position``,
        ``key_bias`` and ``propagation`` ('linear' or None).

    Raises:
        KeyError: If it is neither.
    """
    weights = _by_our_names(tensors)
    patch = weights['backbone.patch_embed.weight']
    positions = weights.get('backbone.pos_embed')  # DINOv3 has none
    return dict(
        embed_dims=len(patch),
        num_frame_blocks=_count(_FRAME_BLOCK, weights),
        num_query_blocks=_count(_QUERY_BLOCK, weights),
        num_queries=len(weights['head.query_feat.weight']),
        num_classes=len(weights['head.class_embed.weight']) - 1,
        num_upscale_steps=_count(r'head\.upscaler\.steps\.(\d+)\.', weights),
        num_registers=weights['backbone.reg_token'].shape[1],
        patch_size=patch.shape[-1],
        img_size=None
        if positions is None
        else patch.shape[-1] * math.isqrt(positions.shape[1]),
        position='rotary' if positions is None else 'absolute',
        key_bias='backbone.blocks.0.attn.q_bias' not in weights,
        propagation='linear' if 'head.query_updater.weight' in weights else None,
    )


def convert_videomt(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn the weights of a published VidEoMT or EoMT into those of a model.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the authors or of
            transformers.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Returns:
        dict[str, Tensor]: Weights by the names of mmvis.

    Raises:
        KeyError: If a weight is unknown, missing or left over.
        ValueError: If a shape differs.
    """
    weights = _by_our_names(tensors)
    check_complete({name: name for name in weights}, weights, expected)
    return weights


def export_videomt(weights: Mapping[str, Tensor], form: str) -> dict[str, Tensor]:
    """Turn the weights of a model into those of another implementation.

    The class weights of the loss, a buffer of transformers', are its default: 0.1 for
    no-object.

    Args:
        weights (Mapping[str, Tensor]): Weights by the names of mmvis.
        form (str): 'authors' or 'transformers'.

    Returns:
        dict[str, Tensor]: Weights by the names of the original.

    Raises:
        KeyError: If a weight has no place there.
    """
    num_blocks = (_count(_FRAME_BLOCK, weights), _count(_QUERY_BLOCK, weights))
    table = _table(_FORMS[form], *num_blocks)
    tensors = {
        theirs: weights[ours]
        for theirs, ours in rename(weights, table, reverse=True).items()
    }
    is_video = 'head.query_updater.weight' in weights
    if form == 'authors':
        prefix = _FORMS[form].prefixes[0 if is_video else 1]
        return {prefix + name: value for name, value in tensors.items()}
    positions = 'embeddings.position_embeddings.weight'
    if positions not in tensors:
        raise UserKeyError(
            "A model with position='rotary' (DINOv3) is not converted back to "
            'transformers. Write the names of the authors, a .pth file.'
        )
    tensors[positions] = tensors[positions][0]
    tensors[_CLASS_WEIGHT] = torch.ones(len(tensors['class_predictor.bias']))
    tensors[_CLASS_WEIGHT][-1] = _NO_OBJECT_WEIGHT
    if is_video:
        tensors[_MASK_TOKEN] = torch.zeros_like(tensors['embeddings.cls_token'])
    return _split_projections(tensors)


def _by_our_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of either form, by the names of mmvis."""
    form = _find_form(tensors)
    read = {}
    for name, value in tensors.items():
        for prefix in form.prefixes:
            name = name.removeprefix(prefix)
        read[name] = value
    if 'layers.0.attention.o_proj.weight' in read:
        read = _as_dinov2(read)
    read = _join_projections(read)
    depth = _count(re.escape(form.blocks) + r'\.(\d+)\.', read)
    num_query_blocks = len(read.get('attn_mask_probs', ()))
    table = _table(form, depth - num_query_blocks, num_query_blocks)
    names = rename(read, table, dropped=_DROPPED)
    weights = {ours: read[theirs] for ours, theirs in names.items()}
    needed = (
        *('backbone.cls_token', 'backbone.reg_token', 'backbone.patch_embed.'),
        *('head.norm.', 'head.query_feat.', 'head.class_embed.'),
    )
    missing = [ours for ours in needed if not _has(weights, ours)]
    if missing or not num_query_blocks:
        raise UserKeyError(
            f'The checkpoint lacks {missing or ["attn_mask_probs"]} (by the names of '
            'mmvis): it is not a whole VidEoMT or EoMT.'
        )
    if 'backbone.pos_embed' in weights:
        positions = weights['backbone.pos_embed']
        weights['backbone.pos_embed'] = positions.reshape(1, *positions.shape[-2:])
    return weights


def _has(weights: Iterable[str], beginning: str) -> bool:
    return any(name.startswith(beginning) for name in weights)


def _find_form(tensors: Mapping[str, Tensor]) -> _Form:
    if 'embeddings.cls_token' in tensors:
        return _FORMS['transformers']
    if any(name.endswith('encoder.backbone.cls_token') for name in tensors):
        return _FORMS['authors']
    raise UserKeyError(
        'The checkpoint has neither "encoder.backbone.cls_token" nor '
        '"embeddings.cls_token": it is not one of VidEoMT or EoMT with DINOv2.'
    )


def _table(
    form: _Form, num_frame_blocks: int, num_query_blocks: int
) -> list[tuple[str, str]]:
    """Rows for :func:`rename`: the last blocks are those of the head."""
    rows = [(names[form.column], names[0]) for names in _PARTS]
    for i in range(num_frame_blocks + num_query_blocks):
        part, number = 'backbone', i
        if i >= num_frame_blocks:
            part, number = 'head', i - num_frame_blocks
        rows += [
            (
                f'{form.blocks}.{i}.{names[form.column]}',
                f'{part}.blocks.{number}.{names[0]}',
            )
            for names in _IN_BLOCK
        ]
    return rows


def _count(pattern: str, names: Iterable[str]) -> int:
    """How many parts of a numbered list there are."""
    found = [m for m in (re.match(pattern, name) for name in names) if m]
    return 1 + max((int(m[1]) for m in found), default=-1)


def _as_dinov2(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, value in tensors.items():
        for dinov3, dinov2 in _DINOV3:
            name = name.replace(dinov3, dinov2)
        renamed[name] = value
    return renamed


def _join_projections(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put the projections of queries, keys and values of a block into one weight."""
    joined = {n: v for n, v in tensors.items() if not re.search(r'\.[qkv]_proj\.', n)}
    for name in (n for n in tensors if '.q_proj.' in n):
        names = [name.replace('.q_proj.', f'.{x}_proj.') for x in 'qkv']
        missing = [n for n in names if n not in tensors]
        if missing:
            raise UserKeyError(f'The checkpoint lacks {missing}.')
        joined[name.replace('.q_proj.', '.qkv.')] = torch.cat(
            [tensors[n] for n in names]
        )
    return joined


def _split_projections(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The opposite of :func:`_join_projections`."""
    split = {n: v for n, v in tensors.items() if '.qkv.' not in n}
    for name in (n for n in tensors if '.qkv.' in n):
        for x, part in zip('qkv', tensors[name].chunk(3)):
            split[name.replace('.qkv.', f'.{x}_proj.')] = part.clone()
    return split
