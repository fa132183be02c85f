import re

import pytest

from mmvis.commands.config import main


def test_merged_config_is_printed(tiny_config, capsys):
    main([str(tiny_config), '--cfg-options', 'model.head.num_classes=7'])
    text = capsys.readouterr().out
    assert 'num_classes=7' in text
    assert "type='SeededInfiniteSampler'" in text  # of a base file


def test_shipped_configs_have_names(capsys):
    main(['ifc_r50'])
    assert "type='IFC'" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(['ifc_r5'])
    assert end.value.code == 2
    assert 'Did you mean' in capsys.readouterr().err


def counts(capsys, *args):
    main([*args])
    rows = capsys.readouterr().out.splitlines()[1:]
    pattern = r'  (.+?) +([\d.]+) M parameters +([\d.]+) G multiply-adds'
    found = [re.fullmatch(pattern, row).groups() for row in rows]
    return {name: (float(p), float(f)) for name, p, f in found}


def test_operations_grow_with_the_frames(tiny_config, capsys):
    command = (str(tiny_config), '--complexity', '--size', '64', '96', '--frames')
    two, four = counts(capsys, *command, '2'), counts(capsys, *command, '4')
    assert two['backbone'][0] == four['backbone'][0] > 0
    assert four['backbone'][1] == pytest.approx(2 * two['backbone'][1], rel=0.05)
    parts = sum(value[1] for name, value in four.items() if name != 'in all')
    assert parts == pytest.approx(four['in all'][1], abs=0.02)
