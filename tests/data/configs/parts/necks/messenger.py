token_neck = [
    dict(
        type='MessengerTokenNeck',
        in_channels=[16, 16, 16, 16],
        embed_dims=16,
        num_messenger_tokens=4,
        num_layers=2,
        layer=dict(num_heads=2, feedforward_channels=32),
    ),
]
