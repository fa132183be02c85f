import pytest
import torch

from mmvis.ties import argmax, exceeds, match_pairs, rank, snap


def perturbed(values, seed):
    """Values with a relative error as of float32 sums."""
    noise = torch.rand(values.shape, generator=torch.Generator().manual_seed(seed))
    return values * (1 + 2e-6 * (noise - 0.5))


def test_snap_joins_what_differs_by_rounding_only():
    values = torch.tensor([[0.7714681, 0.3, 0.0], [0.7714690, 0.3002, 0.0]])
    snapped = snap(values)
    assert snapped.dtype == torch.float64
    assert snapped[0, 0] == snapped[1, 0] == values[1, 0].double()
    assert snapped[0, 1] < snapped[1, 1]
    assert snapped[:, 2].tolist() == [0, 0]
    assert snap(torch.zeros(0, 3)).shape == (0, 3)


def test_equal_values_stay_equal_at_any_position():
    """No grid whose steps might come between them."""
    values = torch.rand(500, generator=torch.Generator().manual_seed(0))
    pairs = torch.stack([perturbed(values, 1), perturbed(values, 2)])
    snapped = snap(pairs)
    assert torch.equal(snapped[0], snapped[1])
    torch.testing.assert_close(snapped[0].float(), values, rtol=1e-3, atol=0)


def test_exceeds_needs_more_than_rounding():
    values = torch.tensor([0.5, 0.500001, 0.5002, 0.4])
    assert exceeds(values, 0.5).tolist() == [False, False, True, False]
    assert exceeds(0.5, values).tolist() == [False, False, False, True]
    assert exceeds(torch.tensor([0.0, 1e-9]), 0.0).tolist() == [False, True]
    assert (~exceeds(0.5, 0.4)).item() is False  # of a Python bool it is -2


@pytest.mark.parametrize('seed', range(5))
def test_argmax_and_rank_take_the_first_of_equal_values(seed):
    values = torch.tensor([0.2, 0.4, 0.1, 0.4, 0.2, 0.3])
    values = perturbed(values, seed)
    assert argmax(values) == 1
    assert rank(values).tolist() == [1, 3, 5, 0, 4, 2]
    columns = torch.stack([values, values.flip(0)], dim=1)
    assert argmax(columns.T).tolist() == [1, 2]
    assert rank(columns).T.tolist() == [[1, 3, 5, 0, 4, 2], [2, 4, 0, 1, 5, 3]]


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize(
    ('agreement', 'sureness', 'expected'),
    [
        ([[0.1, 0.9], [0.9, 0.8]], [[1.0, 0.1], [0.1, 1.0]], [(0, 1), (1, 0)]),
        ([[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.4], [0.6, 0.1]], [(0, 1), (1, 0)]),
        ([[0.5, 0.5], [0.5, 0.5]], [[0.3, 0.3], [0.3, 0.3]], [(0, 0), (1, 1)]),
    ],
)
def test_equal_totals_go_by_agreement_then_sureness_then_order(
    agreement, sureness, expected, seed
):
    matrices = torch.full((2, 2), 0.6), torch.tensor(agreement), torch.tensor(sureness)
    noisy = [perturbed(matrix, seed + i) for i, matrix in enumerate(matrices)]
    assert match_pairs(*noisy) == expected


@pytest.mark.parametrize('shape', [(1, 3), (3, 1), (2, 5), (5, 2), (4, 4), (30, 40)])
def test_order_decides_where_nothing_else_does(shape):
    scores = perturbed(torch.full(shape, 0.8), 0)
    same = torch.full(shape, 0.5)
    assert match_pairs(scores, same, same) == [(i, i) for i in range(min(shape))]


def test_order_decides_among_columns_of_a_later_row():
    scores = torch.tensor([[0.0, 0.0], [0.3, 0.3]])  # SciPy alone takes the second
    same = torch.full((2, 2), 0.5)
    assert match_pairs(scores) == match_pairs(scores, same, same) == [(1, 0)]


def test_scores_go_before_preferences_and_zero_makes_no_pair():
    scores = torch.tensor([[0.60, 0.61, 0.0], [0.0, 0.60, 0.0]])
    preference = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    assert match_pairs(scores, preference) == [(0, 0), (1, 1)]
    assert match_pairs(scores[:1], 1 - preference[:1]) == [(0, 1)]
    assert match_pairs(torch.zeros(2, 3), preference) == []
    for shape in ((0, 3), (3, 0), (0, 0)):
        assert match_pairs(torch.zeros(shape), torch.zeros(shape)) == []


def test_many_rows_are_matched_as_scores_say():
    torch.manual_seed(0)
    scores, preference = torch.rand(40, 50), torch.rand(40, 50)
    total = sum(scores[pair] for pair in match_pairs(scores, preference, preference))
    best = sum(scores[pair] for pair in match_pairs(scores))
    assert abs(total - best) < 1e-3
