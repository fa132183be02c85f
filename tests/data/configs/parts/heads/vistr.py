_base_ = '../../../../../configs/_base_/heads/vistr.py'
model = dict(
    head=dict(
        num_classes=3,
        in_channels=[16, 16, 16, 48],
        clip_len=3,
        num_instances=4,
        embed_dims=48,
        num_attention_maps=2,
        decoder=dict(
            num_layers=1, layer=dict(num_heads=2, feedforward_channels=32)
        ),
        num_groups=1,
        num_sequence_groups=1,
    ),
    test_cfg=dict(clip_len=3, clip_stride=1),
)
head_neck = [
    dict(
        type='SpaceTimeEncoderNeck',
        in_channels=[16, 16, 16, 16],
        embed_dims=48,
        num_layers=1,
        layer=dict(num_heads=2, feedforward_channels=32),
    ),
]
