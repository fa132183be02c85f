import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvis.apis import init_model
from mmvis.converters.checkpoint_file import write_checkpoint
from mmvis.datasets import DATASET_CLASSES
from mmvis.errors import UserError
from mmvis.models.vis import IFC


@pytest.fixture(autouse=True)
def _scope():
    yield
    DefaultScope._instance_dict.clear()


def test_model_in_eval_mode_with_its_config(tiny_config, tmp_path):
    options = {'model.test_cfg.clip_len': 4}
    model = init_model(tiny_config, cfg_options=options)
    assert isinstance(model, IFC)
    assert not model.training
    assert model.test_cfg.clip_len == 4
    assert model.cfg.model.test_cfg.clip_len == 4

    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'a.pth')
    again = init_model(str(tiny_config), tmp_path / 'a.pth')
    frames = torch.rand(1, 3, 3, 32, 64)
    with torch.no_grad():
        for key, value in model(frames).items():
            assert torch.equal(again(frames)[key], value)


def test_given_config_is_not_changed(tiny_config):
    cfg = Config.fromfile(tiny_config)
    init_model(cfg, cfg_options={'model.test_cfg.clip_len': 4})
    assert cfg.model.test_cfg.clip_len == 3


def test_classes_come_from_checkpoint_then_config(tiny_config, tmp_path):
    numbered = tuple(f'class {i}' for i in range(5))
    model = init_model(tiny_config)
    assert model.dataset_meta['classes'] == numbered
    named = {'test_dataloader.dataset.metainfo': dict(classes=tuple('abcde'))}
    assert init_model(tiny_config, cfg_options=named).dataset_meta == dict(
        classes=tuple('abcde')
    )
    published = {'test_dataloader.dataset.dataset_version': '2021'}
    meta = init_model(tiny_config, cfg_options=published).dataset_meta
    assert meta == dict(classes=DATASET_CLASSES['2021'])

    stored = dict(classes=('v', 'w', 'x', 'y', 'z'), cat_ids=[1, 2, 3, 4, 5])
    content = dict(state_dict=model.state_dict(), meta=dict(dataset_meta=stored))
    torch.save(content, tmp_path / 'a.pth')
    model = init_model(tiny_config, tmp_path / 'a.pth', cfg_options=published)
    assert model.dataset_meta == stored


def test_checkpoint_of_another_class_count(tiny_config, tmp_path):
    other = init_model(tiny_config, cfg_options={'model.head.num_classes': 7})
    torch.save(other.state_dict(), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=r'other.pth does not fit the model IFC'):
        init_model(tiny_config, tmp_path / 'other.pth')


@pytest.mark.parametrize(
    ('meta', 'message'),
    [
        (dict(dataset_meta=dict(classes=tuple('abcd'))), 'must be 5 names.*got 4 of'),
        (dict(dataset_meta=dict(classes='abcde')), "5 names.*got 'abcde'"),
        (dict(dataset_meta=dict(classes=[1, 2, 3, 4, 5])), '5 names'),
        (dict(dataset_meta=[1]), 'is a list, expected a dict'),
        ([1], 'is a list, expected a dict'),
    ],
)
def test_classes_of_a_checkpoint_are_those_of_the_model(
    tiny_config, tmp_path, meta, message
):
    weights = init_model(tiny_config).state_dict()
    torch.save(dict(state_dict=weights, meta=meta), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=rf'a\.pth: .*{message}'):
        init_model(tiny_config, tmp_path / 'a.pth')


def test_weights_in_safetensors_and_inside_a_package(
    tiny_config, tmp_path, monkeypatch
):
    weights = init_model(tiny_config).state_dict()
    stored = dict(dataset_meta=dict(classes=list('vwxyz')))
    (tmp_path / 'tiny_weights').mkdir()
    (tmp_path / 'tiny_weights' / '__init__.py').touch()
    write_checkpoint(weights, tmp_path / 'tiny_weights' / 'ifc.safetensors', stored)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = init_model(tiny_config, 'package://tiny_weights/ifc.safetensors')
    assert model.dataset_meta['classes'] == list('vwxyz')
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name])


@pytest.mark.parametrize('config', [5, None, ['a'], {}])
def test_config_of_another_type_is_refused(config):
    with pytest.raises(TypeError, match='`config` must be the path of a config'):
        init_model(config)


@pytest.mark.parametrize('device', ['gpu', 'cuda:99', -1, ['cpu']])
def test_device_that_is_not_available_is_refused(tiny_config, device):
    with pytest.raises(ValueError, match=r'`device` is .*\. Available are: cpu'):
        init_model(tiny_config, device=device)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ('model', "must be a dict of values by dotted key, got 'model'"),
        ({5: 1}, '5 is no key of a config'),
        ({'': 1}, "'' is no key of a config"),
        ({'model..head': 1}, "'model..head' is no key"),
        ({'model.head': None}, '`model.head` must be a dict, got None'),
        ({'model': None}, '`model` must be a dict'),
        ({'model.neck.embed_dims': 0}, 'an integer of at least 1, got 0'),
    ],
)
def test_options_that_do_not_fit_are_refused(tiny_config, options, message):
    with pytest.raises(UserError, match=message):
        init_model(tiny_config, cfg_options=options)


def test_number_of_classes_is_that_of_the_checkpoint(tiny_config, tmp_path):
    names = tuple('abcde')
    model = init_model(tiny_config)
    content = dict(state_dict=model.state_dict())
    path = tmp_path / 'a.pth'
    torch.save(dict(content, meta=dict(dataset_meta=dict(classes=names))), path)
    options = {'model.head.num_classes': None}
    again = init_model(tiny_config, path, cfg_options=options)
    assert again.head.num_classes == 5
    assert again.dataset_meta['classes'] == names
    with pytest.raises(ValueError, match='num_classes` is None: it is that of the'):
        init_model(tiny_config, cfg_options=options)
    torch.save(content, path)
    with pytest.raises(ValueError, match=r'a\.pth does not say for which classes'):
        init_model(tiny_config, path, cfg_options=options)
