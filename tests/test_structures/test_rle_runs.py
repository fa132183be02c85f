import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.structures.rle_runs import first_invalid_rle, foreground_runs


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
    runs = foreground_runs(counts, pixels)
    of_bytes = foreground_runs([text.encode() for text in counts], pixels)
    assert all((a == b).all() for a, b in zip(runs, of_bytes))
    assert runs.starts.dtype == np.int32
    ends = np.cumsum(runs.sizes)
    for n, (begin, end) in enumerate(zip(ends - runs.sizes, ends)):
        filled = np.zeros(pixels[n], dtype=np.uint8)
        for start, stop in zip(runs.starts[begin:end], runs.stops[begin:end]):
            assert not filled[start:stop].any()
            filled[start:stop] = 1
        rle = dict(size=[int(pixels[n]), 1], counts=counts[n])
        assert (filled == mask_utils.decode(rle)[:, 0]).all()


def test_masks_of_more_than_32_bits():
    runs = [0, 2**32 - 5, 4]
    rle = mask_utils.frPyObjects(dict(size=[1, 1], counts=runs), 1, 1)
    text = rle['counts'].decode()
    found = foreground_runs([text, '54'], np.array([2**32 - 1, 9]))
    assert found.starts.tolist() == [0, 5]
    assert found.stops.tolist() == [2**32 - 5, 9]
    assert first_invalid_rle([text], np.array([2**32])) == (
        0,
        f'describes {2**32 - 1} pixels instead of {2**32}',
    )


def encode(numbers):
    """Write numbers as RLE does, without taking differences."""
    text = ''
    for number in numbers:
        is_last = False
        while not is_last:
            digit, number = number & 31, number >> 5
            is_last = number == (-1 if digit & 16 else 0)
            text += chr(48 + digit + 32 * (not is_last))
    return text


@pytest.mark.parametrize('size', [2**20, 2**28])
def test_sums_that_overflow_32_bits_are_no_mask(size):
    assert first_invalid_rle([encode([0, size])], np.array([size])) is None
    # The last run ends `size` pixels after the 2**32th.
    num_more = 2**32 // size
    problem = f'describes {2**32 + size} pixels instead of {size}'
    text = encode([0, size] + [0, 0] * num_more)
    assert first_invalid_rle([text], np.array([size])) == (0, problem)


@pytest.mark.parametrize(
    'runs', [[0, 4, 0, 0, 21], [4, 0, 21], [0, 25, 0], [9, 9, 7, 0], [9, 0, 0, 9, 7]]
)
def test_empty_runs_that_crash_pycocotools_are_no_mask(runs):
    rle = mask_utils.frPyObjects(dict(size=[5, 5], counts=runs), 5, 5)
    found = first_invalid_rle([encode([25]), rle['counts']], np.array([25, 25]))
    assert found == (1, 'has an empty run that is not the first one')


def test_random_strings_are_judged_as_one_by_one():
    rng = np.random.default_rng(5)
    valid = 0
    for _ in range(300):
        texts, pixels = [], []
        for _ in range(rng.integers(1, 4)):
            runs = rng.integers(-1 if rng.random() < 0.1 else 0, 50, rng.integers(1, 9))
            numbers = [
                int(run - (runs[n - 2] if n > 2 else 0)) for n, run in enumerate(runs)
            ]
            texts.append(encode(numbers))
            pixels.append(int(runs.sum()) + int(rng.random() < 0.1))
        expected = None
        for n, (text, total) in enumerate(zip(texts, pixels)):
            runs = list(decode_one_by_one(text))
            wrong = min(runs) < 0 or sum(runs) != total or 0 in runs[1:]
            if expected is None and wrong:
                expected = n
        found = first_invalid_rle(texts, np.array(pixels))
        assert (found and found[0]) == expected
        valid += expected is None
    assert 50 < valid < 250


def decode_one_by_one(text):
    runs, number, shift = [], 0, 0
    for char in text:
        code = ord(char) - 48
        number |= (code & 31) << shift
        shift += 5
        if code < 32:
            number -= (code & 16) * 2 << (shift - 5)
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    return runs


def test_no_strings():
    runs = foreground_runs([], np.zeros(0, int))
    assert [len(part) for part in runs] == [0, 0, 0]
    runs = foreground_runs(['<', '<'], np.array([12, 12]))
    assert [part.tolist() for part in runs] == [[], [], [0, 0]]


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
        ('5é4', "has the character 'é', which RLE does not use"),
        ('5中4', "has the character '中', which RLE does not use"),
        ('54s0', "has the character 's', which RLE does not use"),
        ('5P', 'ends in the middle of a number'),
        ('\\PPPPPP0', 'has a number of more than 32 bits'),
        ('5O', 'has a negative run length'),
        ('54', 'describes 9 pixels instead of 12'),
    ],
)
def test_damage_is_named(text, problem):
    index, found = first_invalid_rle(['<', text, '54'], np.array([12, 12, 12]))
    assert index == 1
    assert problem in found


def test_negative_last_run_is_found_beside_larger_masks():
    found = first_invalid_rle([encode([5, 8, -1]), '<'], np.array([12, 12]))
    assert found == (0, 'has a negative run length')
    texts = [encode([5, 8, -1]), encode([100])]
    assert first_invalid_rle(texts, np.array([12, 100])) == found


def test_index_counts_through_all_chunks():
    index, _ = first_invalid_rle(['<'] * 20000 + ['='], np.full(20001, 12))
    assert index == 20000
