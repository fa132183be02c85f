"""TeViT's messenger tokens as a neck after any backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmvis.errors import UserValueError
from mmvis.models.layers import check_shift_strides, shift_tokens, strides_after
from mmvis.models.necks.frame_token_neck import FrameTokenNeck
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['MessengerTokenNeck']


@MODELS.register_module()
class MessengerTokenNeck(FrameTokenNeck):
    """Frames exchange messengers: tokens that move on to other frames.

    The messenger shift of TeViT (Yang et al., CVPR 2022), Sec. 3.2. In each layer
    the messengers of a frame and the cells of its coarsest map attend to each
    other, so that messengers read what the frame shows and cells read what the
    messengers bring. After it the messengers are cut into equal runs, and each run
    moves along time by its own number of frames, circularly, without any parameter.
    Every second layer moves them back, so that in the end all are home.

    News travel one stride s a layer after the first: in a clip of any length a
    frame receives from others up to ``max(|s|) * (L - 1)`` frames away on either side,
    the clip's end counting as next to its beginning. Cost grows with
    T x (H*W + M)^2; :class:`MemoryTokenNeck`, whose frames all exchange
    information in every layer, has M x T^2 and as many parameters again besides.

    Differs from the paper: there the messengers pass through the convolutions,
    attention and feed-forward blocks of PVTv2 themselves (:class:`MsgShifT`), which
    ties them to that backbone, and start in the input. Here they have layers of
    their own (post-norm, as in DETR) behind the backbone, on its coarsest level,
    and a learned position that tells their run; other levels get what they carry
    where a neck such as FPN follows.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest
            first. The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map and messengers. Defaults to 256.
        num_messenger_tokens (int): M, messengers per frame; a multiple of the
            number of runs. Defaults to 8.
        shift_strides (Sequence[int]): Frames by which each run moves; +1 carries
            from frame t to t + 1. All 0: frames exchange nothing.
            Defaults to the paper's (1, -1, 2, -2).
        num_layers (int): L. At least 2: what is moved after one layer is read in
            the next. The last of an odd number does not move them. Defaults to 3.
        layer (dict, optional): What each layer takes, see :func:`stack_layers`.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If messengers cannot be cut into equal runs, or there is one
            layer only.
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
                'the messengers of others in the layer after they moved.'
            )
        check_shift_strides(shift_strides, num_messenger_tokens)
        self.shift_strides = tuple(shift_strides)
        self.messenger_tokens = nn.Parameter(
            torch.empty(num_messenger_tokens, embed_dims)
        )
        self.messenger_pos = nn.Parameter(torch.empty(num_messenger_tokens, embed_dims))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights."""
        for p in self.frame_layers.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)
        for p in (self.messenger_tokens, self.messenger_pos):
            nn.init.kaiming_normal_(p, mode='fan_out', nonlinearity='relu')

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Encode the coarsest level; see :meth:`FrameTokenNeck.encode`."""
        return self.encode(features, self.messenger_tokens, self.messenger_pos)

    def exchange(self, tokens: Tensor, layer: int) -> Tensor:
        """Move the messengers on after an even layer, home after an odd one."""
        num_layers = len(self.frame_layers)
        return shift_tokens(
            tokens, strides_after(layer, num_layers, self.shift_strides)
        )
