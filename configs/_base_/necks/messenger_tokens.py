# TeViT's: messenger tokens shift to other frames after every layer.
token_neck = [
    dict(
        type='MessengerTokenNeck',
        in_channels=[256, 256, 256, 256],
        embed_dims=256,
        num_messenger_tokens=8,
        num_layers=3,
    ),
]
