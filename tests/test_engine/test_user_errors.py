import pytest
from mmengine.config import Config
from mmengine.registry import Registry

from mmvis.engine.user_errors import explain, is_user_error, user_errors
from mmvis.registry import MODELS


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError('no error')


def raise_value_error():
    raise ValueError(
        'mend it'
    )  # fmt: skip


def test_authored_messages_are_user_errors():
    assert is_user_error(caught(raise_value_error))
    assert is_user_error(caught(lambda: open('/no/such/file')))  # noqa: SIM115


def test_bugs_are_not():
    assert not is_user_error(caught(lambda: {}['key']))
    assert not is_user_error(caught(lambda: None + 1))
    assert not is_user_error(caught(lambda: int('x')))
    with pytest.raises(KeyError), user_errors('c.py'):
        {}['key']


def test_wrong_arguments_of_a_config_are():
    registry = Registry('any')

    @registry.register_module()
    class Part:
        def __init__(self, width=1):
            self.width = width

    error = caught(lambda: registry.build(dict(type='Part', widht=2)))
    assert is_user_error(error)
    assert 'widht' in explain(error)


def test_message_names_the_file_and_ends_the_program(capsys):
    with pytest.raises(SystemExit) as stop, user_errors('configs/c.py'):
        raise_value_error()
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'error: configs/c.py: mend it\n'


def test_unknown_type_is_found_in_the_config():
    heads = [dict(type='A'), dict(type='IFCHaed')]
    cfg = Config(dict(model=dict(type='IFC', heads=heads)))
    error = caught(lambda: MODELS.build(heads[1]))
    assert is_user_error(error)
    message = explain(error, cfg)
    assert message.startswith("model.heads.1.type is 'IFCHaed', which is no model")
    assert 'Did you mean IFCHead' in message
    assert explain(KeyError('other'), cfg) == 'other'
