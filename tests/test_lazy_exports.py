import importlib

import pytest

import mmvis.converters
import mmvis.evaluation
import mmvis.outputs
import mmvis.sources
import mmvis.structures
import mmvis.zoo
from mmvis.lazy_exports import lazy_exports


@pytest.mark.parametrize(
    'package',
    [
        mmvis.converters,
        mmvis.evaluation,
        mmvis.outputs,
        mmvis.sources,
        mmvis.structures,
        mmvis.zoo,
    ],
    ids=lambda package: package.__name__,
)
def test_every_exported_name_exists(package):
    assert package.__all__
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_a_name_is_that_of_its_module(tmp_path):
    stub = 'from mmvis.structures.rle import mask_bbox as mask_bbox\n'
    (tmp_path / '__init__.pyi').write_text(stub)
    get, names = lazy_exports('package', str(tmp_path / '__init__.py'))
    module = importlib.import_module('mmvis.structures.rle')
    assert get('mask_bbox') is module.mask_bbox
    assert names == ['mask_bbox']


def test_other_names_are_not_attributes():
    with pytest.raises(ImportError, match='NoSuchThing'):
        from mmvis.structures import NoSuchThing  # noqa: F401
    assert not hasattr(mmvis.evaluation, 'no_such_thing')
