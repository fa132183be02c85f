from dataclasses import replace

import pytest

from mmvis.datasets.shapes_vis import SIZES


@pytest.mark.parametrize(
    ('field', 'value'),
    [('height', 31), ('num_train_frames', 0), ('num_valid', -1), ('seed', -3)],
)
def test_value_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=f'{field} of at least .*, got {value}'):
        replace(SIZES['mini'], **{field: value})


def test_stamp_tells_every_argument_apart():
    stamp = SIZES['mini'].stamp()
    for field in ('num_train', 'num_valid_frames', 'width', 'seed'):
        other = replace(SIZES['mini'], **{field: stamp[field] + 1})
        assert other.stamp() != stamp
