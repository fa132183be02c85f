token_neck = [
    dict(
        type='MemoryTokenNeck',
        in_channels=[16, 16, 16, 16],
        embed_dims=16,
        num_memory_tokens=2,
        num_layers=2,
        layer=dict(num_heads=2, feedforward_channels=32),
    ),
]
