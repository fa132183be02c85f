"""Clip model with an auxiliary loss."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import TrackSampleList
from torch import Tensor, nn

from mmvis.errors import UserValueError
from mmvis.models.vis import ClipVISModel, check_channels
from mmvis.registry import MODELS

__all__ = ['FromScratchVISModel']

# Side of the frame that shows which levels the auxiliary head gets, pixels.
_PROBE_SIZE = 128


@MODELS.register_module()
class FromScratchVISModel(ClipVISModel):
    """A :class:`ClipVISModel` with an auxiliary head in training.

    Args:
        auxiliary_head (dict, optional): Config of a head that reads the per-frame
            features in training, e.g. :class:`SemanticHead`. Its losses are added
            with the prefix ``aux.``.
        **kwargs: Of :class:`ClipVISModel`.

    Raises:
        ValueError: If its ``in_channels`` are not what arrives there, or there is no
            stage that sees single frames.
    """

    def __init__(self, *, auxiliary_head: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.auxiliary_head = (
            None if auxiliary_head is None else MODELS.build(auxiliary_head)
        )
        if self.auxiliary_head is not None:
            self._check_auxiliary_head(self.auxiliary_head)

    def loss(self, inputs: Tensor, data_samples: TrackSampleList) -> dict[str, Tensor]:
        """Losses of annotated clips (B, T, 3, H, W), of both heads."""
        if self.auxiliary_head is None:
            return super().loss(inputs, data_samples)
        features = self.extract_frame_feat(inputs, data_samples)
        losses = self.head.loss(self.encode_clip(features), data_samples)
        auxiliary = self.auxiliary_head.loss(features, data_samples)
        return losses | {f'aux.{name}': value for name, value in auxiliary.items()}

    @torch.no_grad()
    def _check_auxiliary_head(self, head: nn.Module) -> None:
        if self.num_frame_stages == 0:
            raise UserValueError(
                f'model.auxiliary_head ({type(head).__name__}) reads '
                'the features of single frames, but there are none: '
                f'{type(self.backbone).__name__} mixes frames from the beginning. '
                'Set model.auxiliary_head to None, or take a backbone that sees single '
                'frames and mix them in a neck, e.g. MessengerTokenNeck.'
            )
        was_training = self.training
        self.eval()
        frame = torch.zeros(1, 1, 3, _PROBE_SIZE, _PROBE_SIZE)
        features = self.extract_frame_feat(frame)
        self.train(was_training)
        last_stage = self.stages[self.num_frame_stages - 1]
        check_channels(type(last_stage).__name__, features, head)
