import importlib

import pytest

import mmvis.converters
import mmvis.evaluation
import mmvis.outputs
import mmvis.structures
import mmvis.zoo
from mmvis.lazy_exports import lazy_exports


@pytest.mark.parametrize(
    'package',
    [
        mmvis.converters,
        mmvis.evaluation,
        mmvis.outputs,
        mmvis.structures,
        mmvis.zoo,
    ],
    ids=lambda package: package.__name__,
)
def test_every_exported_name_exists(package):
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_a_name_is_that_of_its_module():
    get = lazy_exports('mmvis.structures', {'rle': ['mask_bbox']})
    module = importlib.import_module('mmvis.structures.rle')
    assert get('mask_bbox') is module.mask_bbox


def test_other_names_are_not_attributes():
    with pytest.raises(ImportError, match='NoSuchThing'):
        from mmvis.structures import NoSuchThing  # noqa: F401
    assert not hasattr(mmvis.evaluation, 'no_such_thing')
