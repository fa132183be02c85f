"""Checks that the parts of a model fit together."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mmvis.errors import UserValueError
from mmvis.inference.test_cfg import TestCfg
from mmvis.structures import ClipFeatures

__all__ = ['check_channels', 'check_clip_len', 'check_strides', 'check_tokens']


def check_clip_len(head: nn.Module, test_cfg: TestCfg) -> None:
    """Compare the longest clip at test time with what ``head`` was built for."""
    clip_len = getattr(head, 'clip_len', None)
    key = 'clip_len' if test_cfg.clip_len is not None else 'max_offline_frames'
    longest = getattr(test_cfg, key)
    if clip_len is not None and longest > clip_len:
        raise UserValueError(
            f'{type(head).__name__} was built for clips of at most '
            f'head.clip_len={clip_len} frames, but test_cfg.{key} is {longest}. Set '
            f'it to {clip_len}, or less, and longer videos are cut into clips.'
        )


def check_channels(source: str, features: ClipFeatures, module: nn.Module) -> None:
    """Compare the channels of ``features`` with what ``module`` was built for.

    Args:
        source (str): What the features come from.
        features (ClipFeatures): What arrives at ``module``.
        module (nn.Module): Says what it expects as ``in_channels``, if it does.

    Raises:
        ValueError: If levels or channels differ.
    """
    expected = getattr(module, 'in_channels', None)
    if not isinstance(expected, Sequence):
        return
    given = [m.shape[2] for m in features.maps]
    if given != list(expected):
        raise UserValueError(
            f'{type(module).__name__} was built for in_channels={list(expected)}, but '
            f'{source} gives {len(given)} levels with {given} channels. Set '
            f'in_channels={given}, or choose other levels (out_indices) before it.'
        )


def check_tokens(source: str, features: ClipFeatures, module: nn.Module) -> None:
    """Compare the tokens' channels with what ``module`` reads, if it reads them."""
    expected = getattr(module, 'token_channels', None)
    if expected is None or features.token_pos is None:
        return
    given = features.token_pos.shape[-1]
    if given != expected:
        raise UserValueError(
            f'{type(module).__name__} reads tokens of {expected} channels, but those '
            f'that come with the levels of {source} have {given}. Give the neck that '
            f'makes them embed_dims={expected}, or let it run last.'
        )


def check_strides(source: str, features: ClipFeatures, module: nn.Module) -> None:
    """Compare feature strides with what ``module`` was built for, if it says so."""
    expected = getattr(module, 'feat_strides', None)
    if expected is not None and list(features.feat_strides) != list(expected):
        raise UserValueError(
            f'{type(module).__name__} was built for feature strides {list(expected)}, '
            f'but {source} gives {list(features.feat_strides)}. Set '
            'head.roi_head.*_roi_extractor.featmap_strides, or choose other levels '
            '(out_indices) before it.'
        )
