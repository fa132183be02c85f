from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import init_default_scope

from mmvis.engine.hooks import MaskAnnealingHook
from mmvis.registry import MODELS
from mmvis.testing import videomt_cfg


def test_blocks_of_a_large_model_follow_each_other_as_published():
    # EoMT-L on COCO: 12 epochs of 7391 iterations.
    hook, total = MaskAnnealingHook(), 88692
    starts, ends = (14782, 29564, 44346, 59128), (29564, 44346, 59128, 73910)
    for i, (start, end) in enumerate(zip(starts, ends)):
        middle = hook.probs(4, (start + end) / 2 / total)
        assert middle[i].item() == pytest.approx(0.5**0.9, abs=1e-5)
        assert (middle[:i] == 0).all()
        assert (middle[i + 1 :] == 1).all()


def test_blocks_of_a_small_model_start_as_published():
    # EoMT-S on COCO panoptic: 24 epochs; starts and ends of its three blocks.
    hook, total = MaskAnnealingHook(), 177384
    for i, step in enumerate((29564, 73910, 118256)):
        assert hook.probs(3, step / total)[i].item() == pytest.approx(1, abs=1e-5)
        assert hook.probs(3, (step + 500) / total)[i] < 1
    for i, step in enumerate((59128, 103474, 147820)):
        assert hook.probs(3, step / total)[i].item() == pytest.approx(0, abs=1e-4)
        assert hook.probs(3, (step - 500) / total)[i] > 0


def test_the_model_gets_the_probabilities_of_the_iteration():
    init_default_scope('mmvis')
    model = MODELS.build(videomt_cfg(num_query_blocks=2))
    runner = SimpleNamespace(model=model, iter=0, max_iters=13)
    hook, seen = MaskAnnealingHook(), []
    for runner.iter in range(13):
        hook.before_train_iter(runner, runner.iter)
        seen.append((model.head.attn_mask_probs > 0).tolist())
    assert seen == [[True, True]] * 5 + [[False, True]] * 6 + [[False, False]] * 2
    assert 'head.attn_mask_probs' in model.state_dict()
    assert torch.equal(model.head.attn_mask_probs, torch.zeros(2))


@pytest.mark.parametrize(
    'changes', [dict(begin=0.9), dict(duration=0.0), dict(end=1.0), dict(duration=0.8)]
)
def test_turns_that_do_not_fit(changes):
    with pytest.raises(ValueError, match='needs 0 <= begin < begin'):
        MaskAnnealingHook(**changes)
