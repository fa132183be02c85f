"""Names of the published VidEoMT and EoMT checkpoints and ours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from mmvis.errors import UserKeyError, UserValueError

__all__ = ['convert_videomt', 'export_videomt', 'videomt_sizes_of']

# Names that a part of the network has here, in the authors' checkpoints and in those
# of Hugging Face's transformers. The authors' have a prefix of their own besides.
_PARTS = (
    (r'backbone\.cls_token', 'encoder.backbone.cls_token', 'embeddings.cls_token'),
    (
        r'backbone\.reg_token',
        'encoder.backbone.reg_token',
        'embeddings.register_tokens',
    ),
    (
        r'backbone\.pos_embed',
        'encoder.backbone.pos_embed',
        'embeddings.position_embeddings.weight',
    ),
    (
        r'backbone\.patch_embed',
        'encoder.backbone.patch_embed.proj',
        'embeddings.patch_embeddings.projection',
    ),
    (r'head\.norm', 'encoder.backbone.norm', 'layernorm'),
    (r'head\.query_feat', 'q', 'query'),
    (r'head\.query_updater', 'query_updater', 'query_updater'),
    (r'head\.attn_mask_probs', 'attn_mask_probs', 'attn_mask_probs'),
    (r'head\.class_embed', 'class_head', 'class_predictor'),
    (r'head\.mask_embed\.0', 'mask_head.0', 'mask_head.fc1'),
    (r'head\.mask_embed\.2', 'mask_head.2', 'mask_head.fc2'),
    (r'head\.mask_embed\.4', 'mask_head.4', 'mask_head.fc3'),
    (
        r'head\.upscaler\.steps\.(\d+)\.norm',
        r'upscale.\1.norm',
        r'upscale_block.block.\1.layernorm2d',
    ),
    (
        r'head\.upscaler\.steps\.(\d+)',
        r'upscale.\1',
        r'upscale_block.block.\1',
    ),
)
_IN_BLOCK = (
    (r'norm', 'norm', 'norm'),
    (r'attn\.qkv', 'attn.qkv', 'attention.qkv'),
    (r'attn\.proj', 'attn.proj', 'attention.out_proj'),
    (r'ls(\d)\.gamma', r'ls\1.gamma', r'layer_scale\1.lambda1'),
    (r'mlp', 'mlp', 'mlp'),
)
_AUTHORS, _TRANSFORMERS = 0, 1
_BLOCKS = ('encoder.backbone.blocks.', 'layers.')
_PREFIXES = ('backbone.', 'network.')  # of VidEoMT and of EoMT
# Colours and loss weights, which mmvis has in its config, and a token that only the
# pre-training of DINOv2 used.
_DROPPED = r'(encoder\.pixel_(mean|std)|criterion\..*|embeddings\.mask_token)$'
_MASK_TOKEN = 'embeddings.mask_token'
_CLASS_WEIGHT, _NO_OBJECT_WEIGHT = 'criterion.empty_weight', 0.1


def videomt_sizes_of(tensors: Mapping[str, Tensor]) -> dict[str, int | str | None]:
    """Sizes of a published VidEoMT or EoMT.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the original.

    Returns:
        dict: ``embed_dims``, ``num_frame_blocks``, ``num_query_blocks``,
        ``num_queries``, ``num_classes``, ``num_upscale_steps``, ``num_registers``,
        ``patch_size``, ``img_size`` and ``propagation`` ('linear' or None).

    Raises:
        KeyError: If it is neither.
    """
    tensors, form = _read(tensors)
    blocks = re.compile(re.escape(_BLOCKS[form]) + r'(\d+)\.')
    depth = 1 + max(int(m[1]) for m in map(blocks.match, tensors) if m)
    num_query_blocks = len(tensors['attn_mask_probs'])
    find = {ours: theirs[form] for ours, *theirs in _PARTS}
    patch = tensors[find[r'backbone\.patch_embed'] + '.weight']
    positions = tensors[find[r'backbone\.pos_embed']]
    upscale = find[r'head\.upscaler\.steps\.(\d+)'].replace(r'\1', r'(\d+)')
    steps = {m[1] for m in (re.match(upscale, name) for name in tensors) if m}
    is_video = any(name.startswith('query_updater') for name in tensors)
    return dict(
        embed_dims=len(patch),
        num_frame_blocks=depth - num_query_blocks,
        num_query_blocks=num_query_blocks,
        num_queries=len(tensors[find[r'head\.query_feat'] + '.weight']),
        num_classes=len(tensors[find[r'head\.class_embed'] + '.weight']) - 1,
        num_upscale_steps=len(steps),
        num_registers=tensors[find[r'backbone\.reg_token']].shape[1],
        patch_size=patch.shape[-1],
        img_size=patch.shape[-1] * math.isqrt(positions.shape[-2]),
        propagation='linear' if is_video else None,
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
    tensors, form = _read(tensors)
    names = _their_names(expected, form)
    _check_names(names, tensors)
    weights = {}
    for name, value in expected.items():
        given = tensors[names[name]]
        if name == 'backbone.pos_embed':
            given = given.reshape(1, *given.shape[-2:])
        if given.shape != value.shape:
            raise UserValueError(
                f'Weight "{names[name]}" has shape {tuple(given.shape)}, but "{name}" '
                f'of the model has {tuple(value.shape)}. Is the checkpoint of another '
                'variant?'
            )
        weights[name] = given
    return weights


def export_videomt(weights: Mapping[str, Tensor], form: str) -> dict[str, Tensor]:
    """Turn the weights of a model into those of another implementation.

    Args:
        weights (Mapping[str, Tensor]): State dict of a :class:`VidEoMT` of mmvis.
        form (str): 'authors' or 'transformers'.

    Returns:
        dict[str, Tensor]: Weights by the names of the original.

    Raises:
        ValueError: If the form is neither of them.
        KeyError: If the model is none that they have.
    """
    if form not in ('authors', 'transformers'):
        raise UserValueError(
            f"The form must be 'authors' or 'transformers', got {form!r}."
        )
    index = _AUTHORS if form == 'authors' else _TRANSFORMERS
    names = _their_names(weights, index)
    tensors = {names[name]: value for name, value in weights.items()}
    is_video = 'head.query_updater.weight' in weights
    if index == _AUTHORS:
        prefix = _PREFIXES[0 if is_video else 1]
        return {prefix + name: value for name, value in tensors.items()}
    positions = names['backbone.pos_embed']
    tensors[positions] = tensors[positions][0]
    tensors = _split_projections(tensors)
    class_weight = torch.ones(len(weights['head.class_embed.bias']))
    class_weight[-1] = _NO_OBJECT_WEIGHT
    tensors[_CLASS_WEIGHT] = class_weight
    if is_video:
        token = weights['backbone.cls_token']
        tensors[_MASK_TOKEN] = token.new_zeros(token.shape)
    return tensors


def _read(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """Weights that mmvis has a use for, without the authors' prefix, and their form."""
    if 'embeddings.cls_token' in tensors:
        form, prefixes = _TRANSFORMERS, ()
    elif any('encoder.backbone.cls_token' in name for name in tensors):
        form, prefixes = _AUTHORS, _PREFIXES
    else:
        raise UserKeyError(
            'The checkpoint has neither "encoder.backbone.cls_token" nor '
            '"embeddings.cls_token": it is not one of VidEoMT or EoMT.'
        )
    read = {}
    for name, value in tensors.items():
        for prefix in prefixes:
            name = name.removeprefix(prefix)
        if not re.match(_DROPPED, name):
            read[name] = value
    return (_join_projections(read) if form == _TRANSFORMERS else read), form


def _join_projections(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put the projections of queries, keys and values of a block into one weight."""
    joined: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if '.k_proj.' in name or '.v_proj.' in name:
            continue
        if '.q_proj.' in name:
            names = [name.replace('.q_proj.', f'.{x}_proj.') for x in 'qkv']
            if not all(n in tensors for n in names):
                raise UserKeyError(f'The checkpoint has not all of {names}.')
            name = name.replace('.q_proj.', '.qkv.')
            value = torch.cat([tensors[n] for n in names])
        joined[name] = value
    return joined


def _split_projections(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The opposite of :func:`_join_projections`."""
    split: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if '.qkv.' in name:
            for x, part in zip('qkv', value.chunk(3)):
                split[name.replace('.qkv.', f'.{x}_proj.')] = part.clone()
        else:
            split[name] = value
    return split


def _their_names(weights: Iterable[str], form: int) -> dict[str, str]:
    """Name there of every weight, by its name in mmvis."""
    in_frame_block = re.compile(r'backbone\.blocks\.(\d+)\.')
    found = [m for m in map(in_frame_block.match, weights) if m]
    num_frame_blocks = 1 + max(int(m[1]) for m in found)
    return {name: _their_name(name, num_frame_blocks, form) for name in weights}


def _their_name(name: str, num_frame_blocks: int, form: int) -> str:
    block = re.match(r'(backbone|head)\.blocks\.(\d+)\.(.*)', name)
    if not block:
        return _rewrite(name, name, _PARTS, form)
    room, number, rest = block.groups()
    number = int(number) + (num_frame_blocks if room == 'head' else 0)
    return f'{_BLOCKS[form]}{number}.{_rewrite(rest, name, _IN_BLOCK, form)}'


def _rewrite(
    part: str, name: str, table: Iterable[tuple[str, str, str]], form: int
) -> str:
    for ours, *theirs in table:
        if re.match(ours, part):
            return re.sub(ours, theirs[form], part, count=1)
    raise UserKeyError(
        f'The original has no place for weight "{name}" of the model. Published models '
        "have position='absolute' and propagation='linear' (VidEoMT) or None (EoMT)."
    )


def _check_names(names: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
    missing = [theirs for theirs in names.values() if theirs not in tensors]
    if missing:
        raise UserKeyError(
            f'The checkpoint lacks {len(missing)} weights: {missing[:5]} ...'
        )
    known = set(names.values())
    unknown = [name for name in tensors if name not in known]
    if unknown:
        raise UserKeyError(
            f'The model has no place for {len(unknown)} weights of the checkpoint: '
            f'{unknown[:5]} ... Is the config that of another variant?'
        )
