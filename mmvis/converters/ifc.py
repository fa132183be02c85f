"""Names of the published IFC checkpoints (Detectron2) and ours."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from mmvis.converters.detectron2_resnet import RESNET_TABLE
from mmvis.converters.detr_transformer import DECODER_LAYER, ENCODER_LAYER, layer_rules
from mmvis.converters.rename import check_complete, rename
from mmvis.errors import UserKeyError

__all__ = ['convert_ifc', 'num_classes_of', 'old_names_of']

_TRANSFORMER = r'detr\.transformer\.'
_TABLE = [
    *((r'detr\.backbone\.0\.backbone\.' + old, new) for old, new in RESNET_TABLE),
    (r'detr\.input_proj\.', 'necks.0.input_proj.'),
    (_TRANSFORMER + r'memory_bus$', 'necks.0.memory_tokens'),
    (_TRANSFORMER + r'memory_pos$', 'necks.0.memory_pos'),
    *layer_rules(
        _TRANSFORMER + r'encoder\.enc_layers', 'necks.0.frame_layers', ENCODER_LAYER
    ),
    *layer_rules(
        _TRANSFORMER + r'encoder\.bus_layers', 'necks.0.memory_layers', ENCODER_LAYER
    ),
    *layer_rules(
        _TRANSFORMER + r'clip_decoder\.layers', 'head.decoder.layers', DECODER_LAYER
    ),
    (_TRANSFORMER + r'clip_decoder\.norm\.', 'head.decoder.norm.'),
    (r'detr\.query_embed\.', 'head.decoder.query_embed.'),
    (r'detr\.class_embed\.', 'head.class_embed.'),
    (r'detr\.mask_head\.convert_to_weight\.', 'head.mask_kernels.'),
    # The original numbers its levels from the coarsest, mmvis from the finest.
    (r'detr\.mask_head\.lay1\.', 'head.mask_features.fusion_convs.2.'),
    (r'detr\.mask_head\.lay2\.', 'head.mask_features.fusion_convs.1.'),
    (r'detr\.mask_head\.lay3\.', 'head.mask_features.fusion_convs.0.'),
    (r'detr\.mask_head\.gn1\.', 'head.mask_features.norms.2.'),
    (r'detr\.mask_head\.gn2\.', 'head.mask_features.norms.1.'),
    (r'detr\.mask_head\.gn3\.', 'head.mask_features.norms.0.'),
    (r'detr\.mask_head\.adapter1\.', 'head.mask_features.lateral_convs.1.'),
    (r'detr\.mask_head\.adapter2\.', 'head.mask_features.lateral_convs.0.'),
    (
        r'detr\.mask_head\.out_lay\.(depth|point)wise\.',
        r'head.mask_features.\g<1>wise_conv.',
    ),
]
# The class weights of the loss; mmvis has them in its config.
_DROPPED = ('criterion.empty_weight',)
_CLASS_WEIGHT = 'detr.class_embed.layers.1.weight'


def num_classes_of(tensors: Mapping[str, Tensor]) -> int:
    """K of a published IFC checkpoint.

    Raises:
        KeyError: If it is not an IFC checkpoint.
    """
    if _CLASS_WEIGHT not in tensors:
        raise UserKeyError(
            f'The checkpoint lacks "{_CLASS_WEIGHT}": it is not one of IFC.'
        )
    return len(tensors[_CLASS_WEIGHT]) - 1


def old_names_of(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Find the original name of every weight by its name in mmvis.

    Raises:
        KeyError: If a weight is unknown.
    """
    return rename(tensors, _TABLE, _DROPPED)


def convert_ifc(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn the weights of a published IFC checkpoint into those of a model.

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of the original.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Returns:
        dict[str, Tensor]: Weights by the names of mmvis.

    Raises:
        KeyError: If a weight is unknown, missing or left over.
        ValueError: If a shape differs.
    """
    # Counters of batch norm, which Detectron2's frozen norms do not have.
    counters = {
        name: value
        for name, value in expected.items()
        if name.endswith('num_batches_tracked')
    }
    weights = {name: v for name, v in expected.items() if name not in counters}
    old_names = old_names_of(tensors)
    check_complete(old_names, tensors, weights)
    return {new: tensors[old] for new, old in old_names.items()} | counters
