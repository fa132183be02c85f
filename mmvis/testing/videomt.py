"""Configs of VidEoMT of any size."""

from __future__ import annotations

__all__ = ['videomt_cfg']


def videomt_cfg(
    *,
    embed_dims: int = 32,
    num_heads: int = 2,
    num_frame_blocks: int = 2,
    num_query_blocks: int = 2,
    num_queries: int = 7,
    num_classes: int = 5,
    num_upscale_steps: int = 2,
    num_registers: int = 4,
    patch_size: int = 16,
    img_size: int | None = 64,
    layer_scale: float = 1.0,
    num_points: int = 112,
    position: str = 'absolute',
    key_bias: bool = True,
    **head: object,
) -> dict:
    """Config of a :class:`VidEoMT`, with names as of ``videomt_sizes_of``.

    Args:
        embed_dims (int): C. Defaults to 32.
        num_heads (int): Attention heads. Defaults to 2.
        num_frame_blocks (int): Blocks of the backbone. Defaults to 2.
        num_query_blocks (int): Blocks of the head. Defaults to 2.
        num_queries (int): Q. Defaults to 7.
        num_classes (int): K. Defaults to 5.
        num_upscale_steps (int): Doublings of the resolution. Defaults to 2.
        num_registers (int): Defaults to 4.
        patch_size (int): Pixels. Defaults to 16.
        img_size (int, optional): Pixels. Defaults to 64.
        layer_scale (float): Defaults to 1.
        num_points (int): Points of the mask losses. Defaults to 112.
        position (str): See :class:`VisionTransformer`. Defaults to 'absolute'.
        key_bias (bool): See :class:`ViTBlock`. Defaults to True.
        **head (object): Further arguments of :class:`VidEoMTHead`.

    Returns:
        dict: For ``MODELS.build``; the losses are those that are published.
    """
    layer = dict(num_heads=num_heads, layer_scale=layer_scale, key_bias=key_bias)
    criterion = dict(
        type='FrameMaskCriterion',
        assigner=dict(
            type='FirstFrameAssigner',
            match_costs=[
                dict(type='ClassificationCost', weight=2.0),
                dict(type='CrossEntropyLossCost', use_sigmoid=True, weight=5.0),
                dict(type='DiceCost', pred_act=True, eps=1.0, weight=5.0),
            ],
        ),
        loss_cls=dict(type='CrossEntropyLoss', loss_weight=2.0),
        loss_mask=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=5.0),
        loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0, loss_weight=5.0),
        masks=dict(type='PointMasks', num_points=num_points),
    )
    return dict(
        type='VidEoMT',
        backbone=dict(
            type='VisionTransformer',
            embed_dims=embed_dims,
            num_blocks=num_frame_blocks,
            layer=layer,
            patch_size=patch_size,
            img_size=img_size or 64,
            num_registers=num_registers,
            position=position,
            final_norm=False,
        ),
        head=dict(
            type='VidEoMTHead',
            num_classes=num_classes,
            in_channels=[embed_dims],
            layer=layer,
            num_blocks=num_query_blocks,
            num_queries=num_queries,
            num_upscale_steps=num_upscale_steps,
            position=position,
            criterion=criterion,
            **head,
        ),
    )
