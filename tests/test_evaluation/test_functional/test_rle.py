import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional.rle import decode_runs, first_invalid_rle


def random_rles(num, seed=0):
    rng = np.random.default_rng(seed)
    counts, pixels = [], []
    for _ in range(num):
        h, w = rng.integers(1, 200, 2)
        mask = rng.random((h, w)) < rng.choice([0, 0.01, 0.5, 1])
        mask = np.repeat(mask, rng.integers(1, 40), axis=0)
        rle = mask_utils.encode(np.asfortranarray(mask, np.uint8))
        counts.append(rle['counts'].decode())
        pixels.append(mask.size)
    return counts, np.array(pixels)


def test_what_pycocotools_writes_is_valid():
    counts, pixels = random_rles(300)
    assert first_invalid_rle(counts, pixels) is None


def test_runs_are_those_of_the_pixels():
    counts, pixels = random_rles(60, seed=1)
    runs, sizes = decode_runs([text.encode() for text in counts])
    assert (runs == decode_runs(counts)[0]).all()
    assert len(runs) == sizes.sum()
    for n, part in enumerate(np.split(runs, np.cumsum(sizes)[:-1])):
        rle = dict(size=[int(pixels[n]), 1], counts=counts[n])
        values = np.arange(len(part)) % 2
        assert (np.repeat(values, part) == mask_utils.decode(rle)[:, 0]).all()


def test_runs_of_no_and_of_empty_strings():
    for counts in ([], ['', '']):
        runs, sizes = decode_runs(counts)
        assert len(runs) == 0
        assert sizes.tolist() == [0] * len(counts)
    runs, sizes = decode_runs(['', '54', '', '<'])
    assert (runs.tolist(), sizes.tolist()) == ([5, 4, 12], [0, 2, 0, 1])


def test_cut_string_is_refused():
    with pytest.raises(ValueError, match='ends in the middle of a number'):
        decode_runs(['54', '5P'])


def test_no_strings_are_valid():
    assert first_invalid_rle([], np.zeros(0, int)) is None


def test_wrong_number_of_pixels_is_found():
    counts, pixels = random_rles(40)
    pixels[17] += 1
    index, problem = first_invalid_rle(counts, pixels)
    assert index == 17
    assert problem == f'describes {pixels[17] - 1} pixels instead of {pixels[17]}'


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('', 'is empty'),
        ('54 ', "has the character ' '"),
        ('5é4', 'which RLE does not use'),
        ('5P', 'ends in the middle of a number'),
        ('PPPPPPP0', 'has a number of more than 32 bits'),
        ('5O', 'has a negative run length'),
        ('54', 'describes 9 pixels instead of 12'),
    ],
)
def test_damage_is_named(text, problem):
    index, found = first_invalid_rle(['<', text, '54'], np.array([12, 12, 12]))
    assert index == 1
    assert problem in found


def test_index_counts_through_all_chunks():
    index, _ = first_invalid_rle(['<'] * 20000 + ['='], np.full(20001, 12))
    assert index == 20000
