from types import SimpleNamespace

import pytest
from mmengine.model import MMDistributedDataParallel

from mmvis.engine.hooks import FrameStrideHook


@pytest.mark.parametrize('phase', ['val', 'test'])
@pytest.mark.parametrize('is_wrapped', [False, True])
def test_sampler_gets_the_stride_of_the_model(phase, is_wrapped):
    model = SimpleNamespace(test_cfg=SimpleNamespace(frame_stride=3))
    if is_wrapped:
        wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
        vars(wrapper).update(_modules=dict(module=model))
        model = wrapper
    sampler = SimpleNamespace(frame_stride=1)
    loop = SimpleNamespace(dataloader=SimpleNamespace(sampler=sampler))
    runner = SimpleNamespace(model=model, **{f'{phase}_loop': loop})
    getattr(FrameStrideHook(), f'before_{phase}_epoch')(runner)
    assert sampler.frame_stride == 3
