"""Operations that wait for a GPU, counted on the CPU."""

import pytest
import torch
from mmengine.registry import init_default_scope
from torch.utils._python_dispatch import TorchDispatchMode

from mmvis.registry import MODELS

init_default_scope('mmvis')
BACKBONE = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(1, 2, 3)
)
LAYER = dict(num_heads=2, feedforward_channels=16)
SIZES = dict(embed_dims=48, in_channels=[8, 16, 32])
IFC = dict(
    type='IFC',
    backbone=BACKBONE,
    neck=dict(type='MemoryTokenNeck', num_layers=2, layer=LAYER, **SIZES),
    head=dict(
        type='IFCHead',
        num_classes=3,
        num_queries=5,
        num_groups=4,
        decoder=dict(type='ClipDecoder', num_layers=2, layer=LAYER),
        embed_dims=48,
        in_channels=[8, 16, 48],
    ),
)
VISTR = dict(
    type='VisTR',
    backbone=BACKBONE,
    neck=dict(type='SpaceTimeEncoderNeck', num_layers=1, layer=LAYER, **SIZES),
    head=dict(
        type='VisTRHead',
        num_classes=3,
        clip_len=5,
        num_instances=4,
        num_attention_maps=4,
        num_groups=2,
        num_sequence_groups=3,
        decoder=dict(type='ClipDecoder', num_layers=1, layer=LAYER),
        embed_dims=48,
        in_channels=[8, 16, 48],
    ),
    test_cfg=dict(clip_len=5),
)
WAITING = ('_local_scalar_dense', 'nonzero', 'masked_select', '_unique2', 'equal')


class WaitingCalls(TorchDispatchMode):
    """List the calls whose result, or its shape, the host must know."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name in ('index', 'index_put_') and any(
            i is not None and i.dtype is torch.bool for i in args[1]
        )
        if name in WAITING or by_mask:
            self.calls.append(name)
        return func(*args, **kwargs or {})


def test_all_kinds_are_counted():
    x = torch.tensor([1.0, 0.0])
    with WaitingCalls() as waiting:
        x[0].item()
        x[x > 0]
        x.nonzero()
        x[torch.tensor([0])]
        x + 1
    assert waiting.calls == ['_local_scalar_dense', 'index', 'nonzero']


@torch.no_grad()
@pytest.mark.parametrize('cfg', [IFC, VISTR], ids=['ifc', 'vistr'])
@pytest.mark.parametrize('num_frames', [2, 5])
def test_a_clip_asks_once_and_a_frame_never(cfg, num_frames):
    torch.manual_seed(0)
    model = MODELS.build(cfg).eval()
    with WaitingCalls() as waiting:
        features = model.encode_frames(torch.randn(1, num_frames, 3, 72, 104))
    assert waiting.calls == []
    with WaitingCalls() as waiting:
        prediction, _ = model.predict_clip(features)
    assert waiting.calls == ['nonzero']
    assert prediction.num_frames == num_frames
