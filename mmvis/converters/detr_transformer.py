"""Names inside of DETR's transformer layers and ours."""

__all__ = ['DECODER_LAYER', 'ENCODER_LAYER', 'layer_rules']

ENCODER_LAYER = (
    (r'\.self_attn\.', '.self_attn.'),
    (r'\.linear', '.ffn.linear'),
    (r'\.norm1\.', '.self_attn.norm.'),
    (r'\.norm2\.', '.ffn.norm.'),
)
DECODER_LAYER = (
    (r'\.self_attn\.', '.self_attn.'),
    (r'\.multihead_attn\.', '.cross_attn.'),
    (r'\.linear', '.ffn.linear'),
    (r'\.norm1\.', '.self_attn.norm.'),
    (r'\.norm2\.', '.cross_attn.norm.'),
    (r'\.norm3\.', '.ffn.norm.'),
)


def layer_rules(
    old: str, new: str, parts: tuple[tuple[str, str], ...]
) -> list[tuple[str, str]]:
    """Regular expressions for the numbered layers below ``old``, and their names."""
    return [(rf'{old}\.(\d+){a}', rf'{new}.\g<1>{b}') for a, b in parts]
