_base_ = '../../../../../configs/_base_/heads/ifc.py'
model = dict(
    head=dict(
        num_classes=3,
        in_channels=[16, 16, 16, 16],
        embed_dims=16,
        num_queries=5,
        decoder=dict(
            num_layers=2, layer=dict(num_heads=2, feedforward_channels=32)
        ),
        num_groups=4,
    ),
    test_cfg=dict(clip_len=3),
)
