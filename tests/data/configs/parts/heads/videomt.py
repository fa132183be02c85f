_base_ = '../../../../../configs/_base_/heads/videomt.py'
model = dict(
    head=dict(
        num_classes=3,
        in_channels=[16, 16, 16, 16],
        layer=dict(num_heads=2),
        num_blocks=2,
        num_queries=5,
        criterion=dict(masks=dict(num_points=64)),
    ),
)
