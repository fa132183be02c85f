import pytest

from mmvis.errors import UserKeyError
from mmvis.zoo import find_model, list_models


def test_names_are_those_of_the_configs():
    models = list_models()
    assert list(models) == [model.config.stem for model in models.values()]
    assert all(model.config.is_file() for model in models.values())


def test_entry_has_all_published_information():
    model = find_model('queryinst_r50_coco')
    assert model.remote.url.endswith('_3x_coco_20210901_103643-7837af86.pth')
    assert model.remote.sha256 == '7837af86'
    assert (model.converter, model.licence) == ('tevit', 'Apache-2.0')
    assert find_model('tevit_msgshift').metrics['AP'] == 46.3


def test_published_weights_name_converter_licence_and_source():
    published = [model for model in list_models().values() if model.is_published]
    assert len(published) >= 14
    for model in published:
        assert model.remote.url.startswith('https://'), model.name
        assert model.converter, model.name
        is_videomt = model.converter == 'videomt'  # its authors state none
        licences = ['not stated'] if is_videomt else ['MIT', 'Apache-2.0']
        assert model.licence in licences, model.name
        assert model.source.startswith('https://'), model.name


def test_google_drive_is_recognised():
    assert find_model('ifc_r50').remote.is_on_drive
    assert not find_model('tevit_r50').remote.is_on_drive


def test_models_without_weights_are_listed_too():
    model = find_model('ifc_small_shapes')
    assert not model.is_published
    assert model.training_data == 'ShapesVIS'


def test_unknown_names_get_similar_ones():
    with pytest.raises(UserKeyError, match='Did you mean tevit_msgshift'):
        find_model('tevit_msgshif')
