"""Layer-wise learning rate decay of vision transformers."""

from __future__ import annotations

import re

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from mmvis.errors import UserKeyError, UserValueError
from mmvis.registry import OPTIM_WRAPPER_CONSTRUCTORS

__all__ = ['BlockDecayConstructor']

_BLOCK = re.compile(r'(backbone|head)\.blocks\.(\d+)\.')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class BlockDecayConstructor(DefaultOptimWrapperConstructor):
    """Layer-wise decay of the learning rate over the blocks of a ViT.

    As EoMT (Kerssies et al., CVPR 2025) and VidEoMT train: the last block learns at
    the full rate, each one before it at ``block_decay`` times that of the next; what
    comes before the first block learns as the first one does. All else, queries and
    prediction heads, learns at the full rate. The blocks are those of
    ``model.backbone`` and, where the head has some, of ``model.head`` after them.

    Parameter groups have an entry ``pretrained``: True for the ViT, False for what is
    new, which :class:`TwoStageWarmupPolyLR` tells apart.

    Args:
        optim_wrapper_cfg (dict): Config of the optimizer wrapper.
        paramwise_cfg (dict): ``block_decay`` in (0, 1].

    Raises:
        KeyError: If ``paramwise_cfg`` has other keys.
        ValueError: If ``block_decay`` is out of its range.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        if set(self.paramwise_cfg) != {'block_decay'}:
            raise UserKeyError(
                'BlockDecayConstructor reads optim_wrapper.paramwise_cfg.block_decay '
                f'and nothing else, got {sorted(self.paramwise_cfg)}. Set '
                'paramwise_cfg=dict(block_decay=0.6).'
            )
        self.block_decay = self.paramwise_cfg['block_decay']
        if not 0 < self.block_decay <= 1:
            raise UserValueError(
                'optim_wrapper.paramwise_cfg.block_decay must be in (0, 1], got '
                f'{self.block_decay}.'
            )

    def add_params(self, params: list[dict], module: nn.Module, **_: object) -> None:
        """Append one group for each learning rate.

        Args:
            params (list[dict]): Receives the groups.
            module (nn.Module): The model.

        Raises:
            ValueError: If the backbone has no blocks.
        """
        names = [name for name, p in module.named_parameters() if p.requires_grad]
        num_blocks = {'backbone': 0, 'head': 0}
        for match in filter(None, map(_BLOCK.match, names)):
            part, i = match[1], int(match[2])
            num_blocks[part] = max(num_blocks[part], i + 1)
        if num_blocks['backbone'] == 0:
            raise UserValueError(
                'BlockDecayConstructor is for backbones with `blocks`, such as '
                f'VisionTransformer; {type(module.backbone).__name__} has none to '
                'train. Take the default constructor.'
            )
        groups: dict[tuple[float, bool], list] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                key = self._find_group(name, num_blocks)
                groups.setdefault(key, []).append(parameter)
        for (factor, pretrained), members in groups.items():
            params.append(
                dict(params=members, lr=self.base_lr * factor, pretrained=pretrained)
            )

    def _find_group(self, name: str, num_blocks: dict[str, int]) -> tuple[float, bool]:
        """Share of the learning rate, and whether it belongs to the ViT."""
        block = _BLOCK.match(name)
        if block:
            index = int(block[2]) + (num_blocks['backbone'] * (block[1] == 'head'))
        elif name.startswith(('backbone.norm.', 'head.norm.')):
            return 1.0, True
        elif name.startswith('backbone.'):
            index = 0
        else:
            return 1.0, False
        return self.block_decay ** (sum(num_blocks.values()) - 1 - index), True
