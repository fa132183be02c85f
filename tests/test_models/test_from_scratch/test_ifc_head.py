import torch

from mmvis.models.from_scratch import FromScratchIFCHead, QueryWindow
from mmvis.models.layers import sine_position
from mmvis.models.vis_heads import IFCHead
from mmvis.structures import ClipFeatures

C, GRID, TEMPERATURE = 32, (3, 4), 20


def make_head():
    torch.manual_seed(0)
    return FromScratchIFCHead(
        num_classes=2,
        in_channels=[8, C],
        num_levels=2,
        embed_dims=C,
        num_queries=12,
        num_groups=4,
        decoder=dict(
            type='GridClipDecoder',
            query_grid=GRID,
            pos_temperature=TEMPERATURE,
            layer=dict(num_heads=4, feedforward_channels=32),
        ),
    ).eval()


def make_features(padded_columns=0):
    """Maps of 12x16 and 6x8 cells of one clip of two frames, and padding."""
    generator = torch.Generator().manual_seed(1)
    maps, masks = [], []
    for channels, height, width, padding in (
        (8, 12, 16, 2 * padded_columns),
        (C, 6, 8, padded_columns),
    ):
        cells = torch.randn(1, 2, channels, height, width, generator=generator)
        maps.append(torch.nn.functional.pad(cells, (0, padding)))
        mask = torch.zeros(1, 2, height, width + padding, dtype=torch.bool)
        mask[..., width:] = True
        masks.append(mask)
    return ClipFeatures(tuple(maps), (4, 8), tuple(masks))


def test_windows_start_around_their_points():
    head = make_head()
    windows = head.windows(head.decoder(make_features()), make_features())[-1]
    assert windows.shape == (1, 12, 1, 12, 16)
    per_block = windows.view(12, 3, 4, 4, 4).mean((2, 4)).flatten(1)
    assert torch.equal(per_block.argmax(1), torch.arange(12))
    own = per_block.diagonal()
    assert own.min() > 0
    assert per_block.min() < -own.min()


def test_windows_follow_what_queries_saw():
    window = QueryWindow(C, TEMPERATURE, GRID)
    cells = torch.zeros(1, 1, 12, 16, dtype=torch.bool)
    codes = window.codes(sine_position(cells, *window.position_args))
    query_pos, seen = torch.randn(12, C), torch.randn(2, 1, 12, C)
    torch.testing.assert_close(*(window(q, query_pos, codes) for q in seen))
    torch.nn.init.normal_(window.kernels.layers[-1].weight)
    first, second = (window(q, query_pos, codes) for q in seen)
    assert (first - second).abs().max() > 0.1


def test_padding_moves_no_window():
    head = make_head()
    query = torch.randn(1, 1, 12, C)
    alone = head.windows(query, make_features())[0]
    padded = head.windows(query, make_features(padded_columns=2))[0]
    torch.testing.assert_close(padded[..., :16], alone)


def test_masks_are_kernels_and_windows():
    head, features = make_head(), make_features()
    with_windows = head(features)['mask_logits']
    queries = head.decoder(features)[-1:]
    window = head.windows(queries, features)[0]
    kernels_alone = IFCHead._predict_layers(head, queries, features)[0]['mask_logits']
    torch.testing.assert_close(kernels_alone + window, with_windows)
