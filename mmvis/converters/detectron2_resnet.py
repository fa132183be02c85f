"""Names of Detectron2's ResNets and MMDetection's."""

__all__ = ['RESNET_TABLE']


def _stage_rules(stage: int) -> list[tuple[str, str]]:
    old, new = rf'res{stage}\.(\d+)\.', rf'layer{stage - 1}.\g<1>.'
    return [
        (old + r'conv(\d)\.norm\.', new + r'bn\g<2>.'),
        (old + r'conv(\d)\.', new + r'conv\g<2>.'),
        (old + r'shortcut\.norm\.', new + 'downsample.1.'),
        (old + r'shortcut\.', new + 'downsample.0.'),
    ]


# Regular expressions for what follows the prefix of the backbone.
RESNET_TABLE = [
    (r'stem\.conv1\.norm\.', 'backbone.bn1.'),
    (r'stem\.conv1\.', 'backbone.conv1.'),
    *(
        (old, 'backbone.' + new)
        for stage in (2, 3, 4, 5)
        for old, new in _stage_rules(stage)
    ),
]
