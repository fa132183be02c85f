import pytest
from mmengine.config import Config

from mmvis.engine import run_config
from mmvis.engine.command_line import RunArgumentParser
from mmvis.engine.run_config import merge_options, read_config
from mmvis.errors import UserKeyError, UserTypeError, UserValueError
from mmvis.registry import MODELS


def read_run_config(path, cfg_options=None, **given):
    """Read the config of a run as after a command line."""
    options = RunArgumentParser('', '', 'x', 'x').parse_args([path])
    options.cfg_options = cfg_options
    for name, value in given.items():
        setattr(options, name, value)
    return run_config.read_run_config(options)


@pytest.fixture
def write(tmp_path):
    def write(content, name='a.py'):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('a = 1\nb = a / 0\n', r'line 2 of .*a\.py.*ZeroDivisionError: division'),
        (
            'def f():\n    return q\n\n\na = f()\n',
            r"line 2 of .*a\.py.*name 'q' is not",
        ),
        (b'a = "\xe9"\n', 'UnicodeDecodeError'),
        ("custom_imports = dict(imports=['no.such'])", 'ImportError.*no.such'),
    ],
)
def test_config_whose_code_fails_is_named_with_its_line(write, content, message):
    with pytest.raises(UserValueError, match=message):
        read_config(write(content))


def test_missing_file_and_wrong_syntax(write, tmp_path):
    with pytest.raises(FileNotFoundError, match='no such config file'):
        read_config(tmp_path / 'no.py')
    with pytest.raises(SyntaxError):
        read_config(write('a = (\n'))


def test_text_is_not_formatted_and_reads_back(write, tmp_path, monkeypatch):
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda *_, **__: 1 / 0)
    path = write(
        "model = dict(type='A', sizes=[(1, 2), (3, 4)], parts=[dict(a=1), dict()])\n"
        "other = {'a.b': None, 'c': {'d': [True, 1e-4, 'it\\'s']}}\n"
    )
    cfg = read_run_config(path)
    cfg.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    assert dumped.to_dict() == cfg.to_dict()


def test_options_of_a_run(write):
    path = write("model = dict(type='A')\n", name='mine.py')
    cfg = read_run_config(path, {'model.type': 'B'}, launcher='slurm')
    assert (cfg.model.type, cfg.launcher) == ('B', 'slurm')
    assert cfg.work_dir == 'work_dirs/mine'
    assert not cfg.verbose
    assert read_run_config(path, work_dir='out').work_dir == 'out'
    assert read_run_config(path, verbose=True).verbose
    assert read_run_config(path, {'verbose': True}).verbose


def test_config_without_a_model(write):
    with pytest.raises(UserKeyError, match='`model` is missing'):
        read_run_config(write('a = 1'))


SAMPLED = """\
model = dict(type='IFC', test_cfg=dict(frame_stride=1))
val_dataloader = dict(sampler=dict(type='VideoChunkSampler', chunk_len=8))
test_dataloader = dict(sampler=dict(type='VideoChunkSampler', frame_stride={stride}))
train_dataloader = dict(sampler=dict(type='SeededInfiniteSampler'))
val_cfg = test_cfg = val_evaluator = test_evaluator = dict()
"""


def test_loaders_leave_out_the_frames_that_the_model_does_not_see(write):
    options = {'model.test_cfg.frame_stride': 3}
    cfg = read_run_config(write(SAMPLED.format(stride=3)), options)
    assert cfg.val_dataloader.sampler.frame_stride == 3
    assert cfg.test_dataloader.sampler.frame_stride == 3
    assert 'frame_stride' not in cfg.train_dataloader.sampler
    with pytest.raises(UserValueError, match=r'test_dataloader\.sampler.* is 2, but'):
        read_run_config(write(SAMPLED.format(stride=2)), options)


@pytest.mark.parametrize(
    ('key', 'message'),
    [('train_cgf.max_iters', 'Did you mean train_cfg'), ('a.b.c', "no part 'a'")],
)
def test_options_of_parts_that_nothing_reads(write, key, message):
    path = write('model = dict(type="IFC")')
    with pytest.raises(UserKeyError, match=message):
        read_run_config(path, {key: 1})


@pytest.mark.parametrize('key', ['experiment_name', 'own.part', 'runner_type'])
def test_options_of_parts_that_are_read(write, key):
    path = write('model = dict(type="IFC")\nown = dict(part=1)')
    cfg = read_run_config(path, {key: 'x'})
    assert key.split('.')[0] in cfg


def test_modules_of_the_command_line_are_imported(write, tmp_path, monkeypatch):
    """As those of a file are."""
    monkeypatch.syspath_prepend(tmp_path)
    write(
        'from mmvis.registry import MODELS\n'
        "MODELS.register_module(name='GivenLater', module=dict)\n",
        name='parts_of_the_command_line.py',
    )
    path = write('model = dict(type="IFC")')
    read_run_config(
        path, {'custom_imports': dict(imports=['parts_of_the_command_line'])}
    )
    assert MODELS.get('GivenLater') is dict
    MODELS.module_dict.pop('GivenLater')


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (dict(imports=['no_such_module']), 'ImportError: .*no_such_module'),
        (dict(imports=[5]), 'TypeError'),
        (dict(import_=['json']), "unexpected keyword argument 'import_'"),
    ],
)
def test_modules_that_cannot_be_imported(write, value, message):
    cfg = read_config(write('a = 1'))
    with pytest.raises(UserValueError, match=f'`custom_imports` is .*{message}'):
        merge_options(cfg, dict(custom_imports=value))


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('a.b', 1, r'^a\.b=1: .*Give the whole dict\.$'),
        ('c.7', 1, r'c\.7=1: '),
        ('c.x', 1, r'c\.x=1: '),
    ],
)
def test_options_that_do_not_fit_are_named(write, key, value, message):
    cfg = read_config(write('a = None\nc = [1, 2]'))
    with pytest.raises(UserValueError, match=message):
        merge_options(cfg, {key: value})


def test_types_of_a_run_are_checked(write):
    path = write("model = dict(type='IFC', backbone=dict(), head=dict())\n")
    with pytest.raises(UserTypeError, match=r'^`model\.head` must be a dict, got None'):
        read_run_config(path, {'model.head': None})


@pytest.mark.parametrize('name', ['c.yaml', 'c.yml'])
@pytest.mark.parametrize('is_base', [False, True])
def test_yaml_is_data(write, tmp_path, name, is_base):
    """MMEngine's own reader calls the function that a tag names."""
    tag = f'!!python/object/apply:os.mkdir ["{tmp_path}/made"]'
    path = write(f'model: {tag}\n', name=name)
    if is_base:
        path = write(f"_base_ = '{name}'\n")
    with pytest.raises(UserValueError, match='cannot be read: ConstructorError'):
        read_config(path)
    assert not (tmp_path / 'made').exists()


def test_yaml_and_json_of_mmengine_are_read(write, tmp_path):
    cfg = read_config(write("model = dict(type='A', sizes=[(1, 2)])\n"))
    for name in ('b.yaml', 'b.json'):
        cfg.dump(tmp_path / name)
    assert read_config(tmp_path / 'b.yaml').model.sizes == [(1, 2)]
    assert read_config(tmp_path / 'b.json').model.sizes == [[1, 2]]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('import sys\nsys.exit(0)\n', r'line 2 of .*a\.py.*SystemExit: 0'),
        ("_base_ = 'a.py'\n", 'RecursionError.* its own `_base_`'),
        ('x = []\nx.append(x)\n', 'RecursionError.* a part of itself'),
    ],
)
def test_configs_without_an_end_are_named(write, content, message):
    with pytest.raises(UserValueError, match=message):
        read_config(write(content))
