"""Table of weight names: DETR's transformer layers to those of mmvis."""

__all__ = ['DECODER_LAYER', 'ENCODER_LAYER', 'layer_rows']

ENCODER_LAYER = (
    ('.self_attn.', '.self_attn.'),
    ('.linear', '.ffn.linear'),
    ('.norm1.', '.self_attn.norm.'),
    ('.norm2.', '.ffn.norm.'),
)
DECODER_LAYER = (
    ('.self_attn.', '.self_attn.'),
    ('.multihead_attn.', '.cross_attn.'),
    ('.linear', '.ffn.linear'),
    ('.norm1.', '.self_attn.norm.'),
    ('.norm2.', '.cross_attn.norm.'),
    ('.norm3.', '.ffn.norm.'),
)


def layer_rows(
    old: str, new: str, parts: tuple[tuple[str, str], ...]
) -> list[tuple[str, str]]:
    """Rows of a table for the numbered layers below ``old``, and their names."""
    return [(f'{old}.#{a}', f'{new}.#{b}') for a, b in parts]
