import pytest
import torch
from torch import nn

from mmvis.converters.checkpoint_file import weights_of
from mmvis.engine.strict_loading import (
    add_new_parameters,
    drop_other_heads,
    load_strictly,
)


def model(num_classes=3):
    return nn.ModuleDict(dict(body=nn.Linear(2, 2), head=nn.Linear(2, num_classes)))


def test_loads_every_weight_and_gives_the_meta(tmp_path):
    source, target = model(), model()
    weights = {f'module.{key}': value for key, value in source.state_dict().items()}
    torch.save(dict(state_dict=weights, meta=dict(a=1)), tmp_path / 'a.pth')
    assert load_strictly(target, str(tmp_path / 'a.pth'))['meta'] == dict(a=1)
    for key, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[key], value)


def test_other_class_count_is_named(tmp_path):
    torch.save(model(5).state_dict(), tmp_path / 'a.pth')
    with pytest.raises(
        ValueError,
        match=r'a\.pth does not fit the model ModuleDict: 2 of another shape: '
        r'head.weight \(5, 2\) instead of \(3, 2\), head.bias \(5,\) instead of '
        r'\(3,\)\. Sizes differ: .*num_classes',
    ):
        load_strictly(model(), str(tmp_path / 'a.pth'))


def test_other_model_is_named(tmp_path):
    torch.save(nn.ModuleDict(dict(neck=nn.Linear(2, 2))).state_dict(), tmp_path / 'a')
    with pytest.raises(
        ValueError,
        match=r'4 missing: body.weight, body.bias, head.weight and 1 more; 2 '
        r'unexpected: neck.weight, neck.bias\. It is a checkpoint of another model',
    ):
        load_strictly(model(), str(tmp_path / 'a'))


def test_named_heads_are_randomly_initialised_and_others_stay():
    target = model()
    weights = weights_of(dict(state_dict=model(5).state_dict()))
    body = weights['body.weight'].clone()
    drop_other_heads(target, weights, [r'head\..*', r'body\..*'])
    assert torch.equal(weights['head.weight'], target.state_dict()['head.weight'])
    assert torch.equal(weights['body.weight'], body)

    weights = weights_of(model(5).state_dict())
    drop_other_heads(target, weights, [r'head\.bias'])
    assert weights['head.weight'].shape == (5, 2)
    assert weights['head.bias'].shape == (3,)


def test_parameters_that_a_pretraining_lacks_are_random():
    target = model()
    weights = model().state_dict()
    del weights['head.bias'], weights['body.bias']
    add_new_parameters(target, weights, [r'head\.bias', r'head\.weight'])
    assert torch.equal(weights['head.bias'], target.state_dict()['head.bias'])
    assert not torch.equal(weights['head.weight'], target.state_dict()['head.weight'])
    assert 'body.bias' not in weights
