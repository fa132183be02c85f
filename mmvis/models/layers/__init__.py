"""Layers that MMDetection lacks."""

from mmvis.models.layers.activation_checkpoint import run_recomputed
from mmvis.models.layers.attend import attend
from mmvis.models.layers.clip_position import sine_position, sine_position_3d
from mmvis.models.layers.shift_tokens import (
    check_shift_strides,
    shift_tokens,
    strides_after,
)
from mmvis.models.layers.transformer_layers import (
    Attention,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
)

__all__ = [
    'Attention',
    'DecoderLayer',
    'EncoderLayer',
    'FeedForward',
    'attend',
    'check_shift_strides',
    'run_recomputed',
    'shift_tokens',
    'sine_position',
    'sine_position_3d',
    'strides_after',
]
