import shutil

import pytest

from mmvis.demo_page import ModelChoice, find_choices
from mmvis.errors import UserKeyError, UserValueError
from mmvis.zoo import list_models


def test_trainings_come_before_published_models(trained):
    choices = find_choices(work_dirs=trained.parent)
    (first, *others) = choices
    assert first == 'tiny (iter_7.pth)'
    assert choices[first] == ModelChoice(
        str(trained / 'ifc_tiny.py'), str(trained / 'iter_7.pth')
    )
    assert others == [m.name for m in list_models().values() if m.is_published]


def test_given_models_are_the_only_ones(trained):
    choices = find_choices([str(trained), 'tevit_msgshift'])
    assert list(choices) == ['tiny (iter_7.pth)', 'tevit_msgshift']
    assert choices['tevit_msgshift'].checkpoint is None
    assert 'downloaded once' in choices['tevit_msgshift'].note


def test_config_and_checkpoint(trained):
    config, checkpoint = str(trained / 'ifc_tiny.py'), str(trained / 'iter_7.pth')
    assert find_choices([config], checkpoint) == {
        'ifc_tiny (iter_7.pth)': ModelChoice(config, checkpoint)
    }


def test_models_without_weights_are_named(trained, tmp_path):
    config = str(trained / 'ifc_tiny.py')
    with pytest.raises(UserValueError, match=r'ifc_tiny\.py is not a folder or has no'):
        find_choices([config])
    with pytest.raises(UserValueError, match='one config file, got none'):
        find_choices(checkpoint='a.pth')
    with pytest.raises(
        UserValueError, match='No weights are published for ifc_r50_coco'
    ):
        find_choices(['ifc_r50_coco'])
    with pytest.raises(UserKeyError, match='Did you mean tevit_msgshift'):
        find_choices(['tevit_msgshit'])


def test_a_folder_must_be_that_of_one_training(trained, tmp_path):
    folder = tmp_path / 'both'
    shutil.copytree(trained, folder)
    (folder / 'other.py').touch()
    with pytest.raises(
        UserValueError, match=r'ifc_tiny\.py, other\.py and iter_7\.pth'
    ):
        find_choices([str(folder)])
    (folder / 'iter_7.pth').unlink()
    (folder / 'other.py').unlink()
    with pytest.raises(UserValueError, match='and no checkpoint'):
        find_choices([str(folder)])
