import pytest

from mmvis.commands.benchmark import PARTS, main, parse


@pytest.mark.parametrize('part', PARTS)
def test_every_part_explains_itself(part, capsys):
    with pytest.raises(SystemExit) as end:
        main([part, '--help'])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert PARTS[part].what in ' '.join(text.split())
    assert '--compare' in text


def test_parts_are_listed(capsys):
    main(['--help'])
    text = capsys.readouterr().out
    assert all(f'  {part} ' in text for part in PARTS)


def test_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(['forwards'])
    assert end.value.code == 2
    assert 'Did you mean forward?' in capsys.readouterr().err


def test_settings_override_words():
    words = ['ifc_r50', '--size', '90', '160', '--cfg-options', 'a.b=1']
    options = parse('forward', words, 'fast size=45,80 a.c=2 config=vistr_r50')
    assert options.fast
    assert options.size == [45, 80]
    assert options.cfg_options == {'a.b': 1, 'a.c': 2}
    assert options.config == 'vistr_r50'
    assert not parse('forward', words, 'default').fast


@pytest.mark.parametrize('setting', ['speed', 'speed=3'])
def test_a_setting_that_is_no_option_is_refused(setting, capsys):
    with pytest.raises(SystemExit) as end:
        parse('merging', [], setting)
    assert end.value.code == 2
    assert "no option 'speed'" in capsys.readouterr().err
