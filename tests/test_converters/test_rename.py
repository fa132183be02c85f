import pytest
import torch

from mmvis.converters.rename import check_complete, rename, split_counters

TABLE = [
    ('layers.#.norm.', 'blocks.#.ln.'),
    ('layers.#.', 'blocks.#.'),
    ('res2.#.conv#.', 'layer1.#.conv#.'),
    ('head.lay1.', 'head.convs.0.'),
    ('token', 'tokens'),
]
NAMES = {
    'layers.11.norm.bias': 'blocks.11.ln.bias',
    'layers.3.fc.w': 'blocks.3.fc.w',
    'res2.0.conv12.w': 'layer1.0.conv12.w',
    'head.lay1.w': 'head.convs.0.w',
    'token': 'tokens',
}


def test_both_ways():
    assert rename(NAMES, TABLE) == {new: old for old, new in NAMES.items()}
    assert rename(NAMES.values(), TABLE, reverse=True) == NAMES


def test_names_without_a_place_are_refused():
    assert rename(['token', 'loss'], TABLE, ['loss']) == dict(tokens='token')
    for name in ('loss', 'layersx3.w', 'layers.a.w'):
        with pytest.raises(KeyError, match=f"Unknown weight '{name}'"):
            rename([name], TABLE)
    with pytest.raises(KeyError, match=r"'a\.1' and 'b\.1' both become 'c\.1'"):
        rename(['a.1', 'b.1'], [('a.', 'c.'), ('b.', 'c.')])


@pytest.mark.parametrize(
    ('tensor', 'error', 'message'),
    [
        (
            torch.ones(2),
            ValueError,
            r"'old' has shape \(2,\), expected \(3,\) as 'new'",
        ),
        (torch.ones(3).char(), ValueError, "'old' is of torch.int8"),
        (None, KeyError, r"lacks 1 weights: \['new'\]"),
    ],
)
def test_weights_must_be_the_models(tensor, error, message):
    expected = dict(new=torch.zeros(3))
    tensors = {} if tensor is None else dict(old=tensor)
    names = {} if tensor is None else dict(new='old')
    with pytest.raises(error, match=message):
        check_complete(names, tensors, expected)


def test_counters_are_parted():
    weights = {'bn.num_batches_tracked': torch.tensor(3), 'bn.weight': torch.ones(1)}
    counters, rest = split_counters(weights)
    assert list(counters) == ['bn.num_batches_tracked']
    assert list(rest) == ['bn.weight']
