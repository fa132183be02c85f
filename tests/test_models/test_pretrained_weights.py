import pytest
import torch
from mmdet.models.backbones import ResNet, SwinTransformer
from mmengine.config import ConfigDict
from mmengine.model import BaseModule

from mmvis.models.backbones import MsgShifT
from mmvis.models.pretrained_weights import checked_pretrained_weights

RESNET = dict(depth=18, stem_channels=4, base_channels=4)


class Parent(BaseModule):
    """A model with one part."""

    def __init__(self, part):
        super().__init__()
        self.part = part


def initialise(part):
    with checked_pretrained_weights(Parent(part)):
        part.init_weights()


def pretrained(path, **cfg):
    return ConfigDict(type='Pretrained', checkpoint=str(path), **cfg)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'net.pth'


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_weights_of_the_same_network_are_loaded(path, prefix):
    source = ResNet(**RESNET)
    weights = {prefix + name: value for name, value in source.state_dict().items()}
    torch.save({**weights, 'fc.weight': torch.ones(2, 2)}, path)
    cfg = pretrained(path, **(dict(prefix=prefix) if prefix else {}))
    part = ResNet(**RESNET, init_cfg=cfg)
    initialise(part)
    assert torch.equal(part.conv1.weight, source.conv1.weight)
    assert not part._load_state_dict_pre_hooks


@pytest.mark.parametrize('prefix', ['', 'backbone.', 'head.'])
def test_weights_of_another_network_are_refused(path, prefix):
    weights = ResNet(**RESNET).state_dict()
    torch.save({f'backbone.other.{n}': v for n, v in weights.items()}, path)
    cfg = pretrained(path, **(dict(prefix=prefix) if prefix else {}))
    with pytest.raises(ValueError, match=r'net\.pth.* a checkpoint of another network'):
        initialise(ResNet(**RESNET, init_cfg=cfg))


def test_one_missing_layer_is_named(path):
    weights = ResNet(**RESNET).state_dict()
    del weights['layer3.1.conv2.weight']
    torch.save(weights, path)
    with pytest.raises(ValueError, match=r'lacks 1 of .*ResNet, .*layer3\.1\.conv2'):
        initialise(ResNet(**RESNET, init_cfg=pretrained(path)))


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (torch.ones(4, 4), r"'conv1.weight' has shape \(4, 4\), expected \(4, 3, 7"),
        (torch.ones(4, 3, 7, 7).char(), r"'conv1.weight' is of torch.int8"),
        (torch.full((4, 3, 7, 7), float('nan')), 'holds NaN or infinite'),
        (torch.full((4, 3, 7, 7), 1e300, dtype=torch.float64), 'too large for'),
    ],
)
def test_a_weight_that_does_not_fit_is_named(path, value, message):
    torch.save({**ResNet(**RESNET).state_dict(), 'conv1.weight': value}, path)
    with pytest.raises(ValueError, match=rf'net\.pth.*{message}'):
        initialise(ResNet(**RESNET, init_cfg=pretrained(path)))


def test_norms_that_a_backbone_adds_may_be_missing(path):
    """Swin's published weights have no norms of the single stages."""
    sizes = dict(embed_dims=4, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
    weights = SwinTransformer(**sizes).state_dict()
    weights = {n: v for n, v in weights.items() if not n.startswith('norm')}
    torch.save({f'backbone.{n}': v for n, v in weights.items()}, path)
    part = SwinTransformer(**sizes, init_cfg=pretrained(path))
    initialise(part)
    name = 'stages.2.blocks.0.ffn.layers.1.weight'
    assert torch.equal(part.state_dict()[name], weights[name])
    torch.save({f'other.{n}': v for n, v in weights.items()}, path)
    with pytest.raises(ValueError, match=r'net\.pth, which is a checkpoint of another'):
        initialise(SwinTransformer(**sizes, init_cfg=pretrained(path)))


def test_messenger_tokens_may_be_missing(path):
    sizes = dict(embed_dims=8, convert_weights=False)
    weights = MsgShifT(**sizes).state_dict()
    del weights['msg_tokens']
    torch.save(weights, path)
    part = MsgShifT(**sizes, init_cfg=pretrained(path))
    initialise(part)
    name = next(name for name in weights if name.endswith('attn.in_proj_weight'))
    assert torch.equal(part.state_dict()[name], weights[name])
    del weights[name.replace('attn.in_proj_weight', 'attn.out_proj.weight')]
    torch.save(weights, path)
    with pytest.raises(ValueError, match='lacks 1 of the weights of MsgShifT'):
        initialise(MsgShifT(**sizes, init_cfg=pretrained(path)))
