from mmvis.terminal import printable


def test_printable():
    assert printable('café 猫 \x1b[2J\x07\n') == r'café 猫 \x1b[2J\x07\n'
    assert printable('a\x1b\nb\udcff', keep='\n') == 'a\\x1b\nb\\udcff'
