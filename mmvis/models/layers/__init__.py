"""Layers that MMDetection lacks."""

from mmvis.models.layers.activation_checkpoint import run_recomputed
from mmvis.models.layers.attend import attend
from mmvis.models.layers.blocked_layout import use_blocked_layout
from mmvis.models.layers.channel_norm import ChannelNorm
from mmvis.models.layers.clip_position import sine_position, sine_position_3d
from mmvis.models.layers.fast_attention import fast_attention
from mmvis.models.layers.fast_linear import (
    FastLinear,
    fast_inner_products,
    fast_linear,
    inner_products,
)
from mmvis.models.layers.frozen_batch_norm import FrozenBatchNorm2d
from mmvis.models.layers.fused_block import FusedBlock
from mmvis.models.layers.level_position import grid_position, level_position
from mmvis.models.layers.pointwise_conv import PointwiseConv2d
from mmvis.models.layers.replace_layers import replace_layers
from mmvis.models.layers.rotary_position import rotary_position, rotate_tokens
from mmvis.models.layers.shift_tokens import (
    check_shift_strides,
    shift_tokens,
    strides_after,
)
from mmvis.models.layers.stem_max_pool import StemMaxPool2d
from mmvis.models.layers.transformer_layers import (
    Attention,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    stack_layers,
)
from mmvis.models.layers.vit_block import ViTBlock

__all__ = [
    'Attention',
    'ChannelNorm',
    'DecoderLayer',
    'EncoderLayer',
    'FastLinear',
    'FeedForward',
    'FrozenBatchNorm2d',
    'FusedBlock',
    'PointwiseConv2d',
    'StemMaxPool2d',
    'ViTBlock',
    'attend',
    'check_shift_strides',
    'fast_attention',
    'fast_inner_products',
    'fast_linear',
    'grid_position',
    'inner_products',
    'level_position',
    'replace_layers',
    'rotary_position',
    'rotate_tokens',
    'run_recomputed',
    'shift_tokens',
    'sine_position',
    'sine_position_3d',
    'stack_layers',
    'strides_after',
    'use_blocked_layout',
]
