import numpy as np

from mmvis.datasets.shapes_vis.random_stream import RandomStream


def test_values_are_those_of_pcg64():
    stream = RandomStream(3, 1, 4)
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([3, 1, 4])))
    assert [stream.random() for _ in range(5)] == generator.random(5).tolist()


def test_values_are_fixed():
    stream = RandomStream(0, 0, 7)
    assert [stream.integer(0, 9) for _ in range(8)] == [1, 6, 8, 1, 7, 5, 5, 3]
    assert stream.octets(2, 3).tolist() == [[185, 115, 161], [70, 101, 169]]


def test_integers_and_choices_cover_their_range():
    stream = RandomStream(1)
    assert {stream.integer(-1, 2) for _ in range(100)} == {-1, 0, 1, 2}
    assert {stream.choice('abc') for _ in range(100)} == {'a', 'b', 'c'}


def test_keys_give_different_streams():
    values = {RandomStream(*key).random() for key in [(0, 0), (1, 0), (0, 1), (1, 1)]}
    assert len(values) == 4
