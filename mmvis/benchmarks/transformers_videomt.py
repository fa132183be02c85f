"""VidEoMT of Hugging Face's transformers, with the weights of a model."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor
from transformers import VideomtConfig, VideomtForUniversalSegmentation
from transformers.models.videomt.video_processing_videomt import VideomtVideoProcessor

from mmvis.converters import export_videomt
from mmvis.models.backbones.vision_transformer import resample_position
from mmvis.models.vis import ClipVISModel

__all__ = ['TransformersVidEoMT']


class TransformersVidEoMT:
    """The same network in transformers.

    Args:
        model (ClipVISModel): VidEoMT with position embeddings.
        side (int): Of the square frames, pixels: its positions have one size.
    """

    def __init__(self, model: ClipVISModel, side: int) -> None:
        backbone, head = model.backbone, model.head
        depth = len(backbone.blocks) + len(head.blocks)
        config = VideomtConfig(
            hidden_size=head.in_channels[-1],
            num_hidden_layers=depth,
            num_attention_heads=head.in_channels[-1] // head.head_channels,
            num_blocks=len(head.blocks),
            num_queries=head.num_queries,
            num_labels=head.num_classes,
            num_upscale_blocks=head.num_upscale_steps,
            num_register_tokens=backbone.reg_token.shape[1],
            patch_size=backbone.patch_size,
            image_size=side,
        )
        weights = dict(model.state_dict())
        patches = (side // backbone.patch_size,) * 2
        weights['backbone.pos_embed'] = resample_position(backbone.pos_embed, patches)
        self._theirs = VideomtForUniversalSegmentation(config).eval()
        self._theirs.load_state_dict(export_videomt(weights, 'transformers'))
        self._processor = VideomtVideoProcessor()

    @torch.no_grad()
    def forward(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """Class and mask logits, frame by frame.

        Args:
            video (Tensor): Normalised frames, shape (1, T, 3, H, W).

        Returns:
            tuple[Tensor, Tensor]: Shapes (T, Q, K+1) and (T, Q, h, w).
        """
        outputs = self._theirs(video)
        return outputs.class_queries_logits, outputs.masks_queries_logits

    def segment(self, video: Tensor) -> None:
        """Segment a video as its own post-processing does, a frame at a time.

        Args:
            video (Tensor): As of :meth:`forward`; segments have its size.
        """
        for classes, masks in zip(*self.forward(video)):
            frame = SimpleNamespace(
                class_queries_logits=classes[None], masks_queries_logits=masks[None]
            )
            self._processor.post_process_instance_segmentation(
                frame, [tuple(video.shape[-2:])]
            )

    @torch.no_grad()
    def difference(self, model: ClipVISModel, video: Tensor) -> float:
        """Largest absolute difference of logits from those of the model."""
        outputs = model(video)
        logits = outputs['cls_logits'], outputs['mask_logits']
        return max(
            (ours[0].transpose(0, 1) - theirs).abs().max().item()
            for ours, theirs in zip(logits, self.forward(video))
        )
