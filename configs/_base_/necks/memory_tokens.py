# IFC's: all frames of a clip exchange information in every layer.
token_neck = [
    dict(
        type='MemoryTokenNeck',
        in_channels=[256, 256, 256, 256],
        embed_dims=256,
        num_memory_tokens=8,
        num_layers=3,
    ),
]
