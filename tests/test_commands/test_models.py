import pytest

from mmvis.commands.download import main as download
from mmvis.commands.models import main as models
from mmvis.zoo import list_models


@pytest.fixture
def listed(capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '160')

    def call(*args):
        models(list(args))
        rows = capsys.readouterr().out.splitlines()[3:-1]
        return [row.split('│')[1].strip() for row in rows]

    return call


def test_all_models_are_listed(listed):
    assert listed() == list(list_models())


def test_models_are_chosen_by_name_and_weights(listed):
    names = listed('tevit', '--published')
    assert 'tevit_msgshift' in names
    assert 'tevit_small_shapes' not in names
    assert all('tevit' in name for name in names)


def test_download_of_an_unknown_model_is_one_message(capsys):
    with pytest.raises(SystemExit) as end:
        download(['tevit_msgshif'])
    assert end.value.code == 2
    assert 'Did you mean tevit_msgshift' in capsys.readouterr().err
