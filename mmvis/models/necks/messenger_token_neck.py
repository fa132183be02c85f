"""TeViT's messenger tokens as a neck after any backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmvis.errors import UserValueError
from mmvis.models.layers import check_shift_strides, shift_tokens, strides_after
from mmvis.models.necks.frame_token_neck import FrameTokenNeck
from mmvis.registry import MODELS

__all__ = ['MessengerTokenNeck']


@MODELS.register_module()
class MessengerTokenNeck(FrameTokenNeck):
    """Exchange of information by messenger tokens that are shifted along time.

    The messenger shift of TeViT (Yang et al., CVPR 2022), Sec. 3.2. In each layer
    the messenger tokens of a frame and the cells of its coarsest map attend to each
    other, so that both exchange information. Then the tokens are split into equal
    groups, and each group is shifted along time by its own number of frames,
    circularly, without parameters. Every second layer reverses the shift, so that in
    the end every token is in its own frame.

    Information moves one stride s per layer after the first: a frame receives from
    frames up to ``max(|s|) * (L - 1)`` away on either side, where the first frame of
    a clip follows its last. Cost grows with T x (H*W + M)^2; :class:`MemoryTokenNeck`,
    whose frames all exchange information in every layer, needs M x T^2 in addition,
    and twice as many parameters.

    Differs from the paper: there the messenger tokens pass through the convolutions,
    attention and feed-forward blocks of PVTv2 (:class:`MsgShifT`), which ties them
    to that backbone, and start at the input. Here they have separate layers
    (post-norm, as in DETR) after the backbone, on its coarsest level, and a learned
    position per group; other levels receive their information only through a later
    neck such as FPN.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest
            first. The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map and the tokens. Defaults to 256.
        num_messenger_tokens (int): M, messenger tokens per frame; a multiple of the
            number of groups. Defaults to 8.
        shift_strides (Sequence[int]): Frames by which each group shifts, +1 from
            frame t to t + 1. All 0: frames exchange nothing.
            Defaults to the paper's (1, -1, 2, -2).
        num_layers (int): L, at least 2: tokens that are shifted after one layer are
            read in the next. The last of an odd number shifts nothing. Defaults to 3.
        layer (dict, optional): What each layer takes, see :func:`stack_layers`.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If the tokens cannot be split into equal groups, or there is only
            one layer.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        embed_dims: int = 256,
        num_messenger_tokens: int = 8,
        shift_strides: Sequence[int] = (1, -1, 2, -2),
        num_layers: int = 3,
        layer: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels, embed_dims, num_layers, layer=layer, init_cfg=init_cfg
        )
        if num_layers < 2:
            raise UserValueError(
                f'`num_layers` must be at least 2, got {num_layers}: a frame reads '
                'the messenger tokens of others in the layer after the shift.'
            )
        check_shift_strides(shift_strides, num_messenger_tokens)
        self.shift_strides = tuple(shift_strides)
        self.messenger_tokens = nn.Parameter(
            torch.empty(num_messenger_tokens, embed_dims)
        )
        self.messenger_pos = nn.Parameter(torch.empty(num_messenger_tokens, embed_dims))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the weights."""
        for p in self.frame_layers.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)
        for p in (self.messenger_tokens, self.messenger_pos):
            nn.init.kaiming_normal_(p, mode='fan_out', nonlinearity='relu')

    def start_tokens(self) -> tuple[Tensor, Tensor]:
        """Messenger tokens and their position embedding, each (M, C)."""
        return self.messenger_tokens, self.messenger_pos

    def exchange(self, tokens: Tensor, layer: int) -> Tensor:
        """Shift the tokens forward after an even layer, back after an odd one."""
        num_layers = len(self.frame_layers)
        return shift_tokens(
            tokens, strides_after(layer, num_layers, self.shift_strides)
        )
