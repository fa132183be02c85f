"""Table of weight names: Detectron2's ResNets to MMDetection's."""

__all__ = ['RESNET_TABLE']


def _stage_rows(stage: int) -> list[tuple[str, str]]:
    old, new = f'res{stage}.#.', f'backbone.layer{stage - 1}.#.'
    return [
        (old + 'conv#.norm.', new + 'bn#.'),
        (old + 'conv#.', new + 'conv#.'),
        (old + 'shortcut.norm.', new + 'downsample.1.'),
        (old + 'shortcut.', new + 'downsample.0.'),
    ]


# What follows the prefix of the backbone, and names in mmvis.
RESNET_TABLE = [
    ('stem.conv1.norm.', 'backbone.bn1.'),
    ('stem.conv1.', 'backbone.conv1.'),
    *(row for stage in (2, 3, 4, 5) for row in _stage_rows(stage)),
]
