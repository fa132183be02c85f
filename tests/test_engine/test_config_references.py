import pytest
from mmengine.config import Config, ConfigDict

from mmvis.engine.config_references import resolve_references
from mmvis.engine.run_config import merge_options, read_config


def test_references_are_values_of_the_top():
    cfg = Config(
        dict(
            size=(256, 144),
            classes=None,
            parts=dict(a=[dict(scale='$size', width='$size.0'), '$classes'], b='$size'),
            again='$parts.a',
            price='5 $size',
        )
    )
    resolve_references(cfg)
    a = [dict(scale=(256, 144), width=256), None]
    assert cfg.parts == dict(a=a, b=(256, 144))
    assert cfg.again == a
    assert cfg.price == '5 $size'
    assert isinstance(cfg.again[0], ConfigDict)
    cfg.again[0].width = 1
    assert cfg.parts.a[0].width == 256


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(sizes=1, a=dict(b='$size')), r"`a.b` is '\$size'.*Did you mean sizes\?"),
        (dict(size=(1,), a=['$size.1']), r"`a.0` is '\$size.1'.*'1' is missing"),
        (dict(size=3, a='$size.x'), "'x' is missing"),
    ],
)
def test_missing_values_are_named(content, message):
    with pytest.raises(KeyError, match=message):
        resolve_references(Config(content))


def test_circles_are_refused():
    cfg = Config(dict(a='$b', b=['$c'], c='$b.0'))
    with pytest.raises(ValueError, match=r'`a.0` leads back to itself: \$b'):
        resolve_references(cfg)


def test_values_of_leaves_and_of_the_command_line_reach_them(tmp_path):
    (tmp_path / 'base.py').write_text("size = (4, 2)\nresize = dict(scale='$size')\n")
    (tmp_path / 'leaf.py').write_text("_base_ = 'base.py'\nsize = (8, 6)\n")
    cfg = read_config(tmp_path / 'leaf.py')
    merge_options(cfg, None)
    assert cfg.resize.scale == (8, 6)
    cfg = read_config(tmp_path / 'leaf.py')
    merge_options(cfg, {'size': (3, 1)})
    assert cfg.resize.scale == (3, 1)
