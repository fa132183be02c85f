"""Six optimiser updates follow those of the original VisTR.

Tolerances are those of golden/vistr/meta.json, "train_steps", per file; what they
leave to rounding (null) is not compared.
"""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from mmvis.converters.vistr import old_names_of_vistr

FILES = {
    'main': dict(lr_factor=1.0, weight_decay=None),
    'main_lr001': dict(lr_factor=0.01, weight_decay=None),
    'main_lr001_wd1': dict(lr_factor=0.01, weight_decay=1.0),
    'allvisible': dict(lr_factor=1.0, weight_decay=None),
    'allvisible_lr001': dict(lr_factor=0.01, weight_decay=None),
}
TERMS = dict(
    loss_cls='loss_ce',
    loss_bbox='loss_bbox',
    loss_iou='loss_giou',
    loss_mask='loss_mask',
    loss_dice='loss_dice',
)
# The golden terms are weighted, as are the losses here.
ZERO_GRADIENT = 'decoder.layers.0.self_attn.in_proj_weight'


@pytest.fixture(autouse=True)
def one_thread():
    """As the original was run: sums in the same order from run to run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build_optimiser(model, configs, lr_factor, weight_decay):
    cfg = Config.fromfile(configs / '_base_/schedules/adamw_vistr.py').optim_wrapper
    cfg.optimizer.lr *= lr_factor
    if weight_decay is not None:
        cfg.optimizer.weight_decay = weight_decay
    return build_optim_wrapper(model, cfg)


def test_parameter_groups(vistr_golden, configs):
    golden = vistr_golden('forward_r50_t6')
    path = golden.find('train_steps_params_r50_t6.json')
    expected = json.loads(path.read_text())['params']
    model = golden.build_model()
    old_names = old_names_of_vistr(golden.source_weights())
    names = {id(p): old_names[name] for name, p in model.named_parameters()}
    groups = build_optimiser(model, configs, 1.0, None).optimizer.param_groups
    seen = 0
    for group in groups:
        for param in group['params']:
            wanted = expected.get(names[id(param)])
            if wanted is None or not wanted['requires_grad']:
                assert not param.requires_grad
                continue
            seen += 1
            assert param.requires_grad
            assert group['lr'] == pytest.approx(wanted['lr'])
            assert group['weight_decay'] == pytest.approx(wanted['weight_decay'])
    assert seen == sum(p['requires_grad'] for p in expected.values())


@pytest.mark.slow
@pytest.mark.parametrize('name', FILES)
def test_six_updates(vistr_golden, configs, name):
    steps = vistr_golden(f'train_steps_r50_t6_{name}', recipe='forward_r50_t6')
    files = steps.meta['train_steps']['files']
    tolerance = files[f'train_steps_r50_t6_{name}.npz']['tolerance']
    targets = vistr_golden('loss_r50_t6', recipe='forward_r50_t6')
    model = targets.build_model()
    inputs, samples = targets.batch(model, name.split('_')[0])
    optim_wrapper = build_optimiser(model, configs, **FILES[name])
    params = dict(model.named_parameters())
    initial = {n: p.detach().clone() for n, p in params.items()}
    grad_norms = record_grad_norms(optim_wrapper)
    num_updates = len(steps.arrays['grad_norm'])
    for step in range(num_updates + 1):
        losses = model(inputs, samples, mode='loss')
        compare_losses(losses, steps.arrays, step, tolerance)
        if step < num_updates:
            optim_wrapper.update_params(sum(losses.values()))
    for norm, expected, rtol in zip(
        grad_norms, steps.arrays['grad_norm'], tolerance['grad_norm_rtol']
    ):
        if rtol is not None:
            np.testing.assert_allclose(norm, expected, rtol=rtol)
    if tolerance['total_rtol'][-1] is not None:  # else the assignments differ
        changes = {n: (p.detach() - initial[n]).double() for n, p in params.items()}
        compare_changes(changes, targets.source_weights(), steps.arrays, tolerance)


def record_grad_norms(optim_wrapper):
    norms = []
    clip = optim_wrapper._clip_grad

    def clip_and_record():
        grads = [
            p.grad.norm()
            for group in optim_wrapper.param_groups
            for p in group['params']
            if p.grad is not None
        ]
        norms.append(torch.stack(grads).norm().item())
        clip()

    optim_wrapper._clip_grad = clip_and_record
    return norms


def compare_losses(losses, arrays, step, tolerance):
    rtol, atol = tolerance['total_rtol'][step], tolerance['term_atol'][step]
    if rtol is None:
        return
    total = sum(losses.values()).item()
    np.testing.assert_allclose(total, arrays['total'][step], rtol=rtol)
    for term, value in losses.items():
        layer, _, kind = term.rpartition('.')
        name = TERMS[kind] + (f'_{layer[1:]}' if layer else '')
        expected = arrays[f'term/{name}'][step]
        np.testing.assert_allclose(value.item(), expected, rtol=0, atol=atol)


def compare_changes(changes, source, arrays, tolerance):
    expected = dict(zip(arrays['param_names'].tolist(), arrays['change_norm'][-1]))
    start = dict(zip(arrays['param_names'].tolist(), arrays['start_norm']))
    compared = 0
    for name, old in old_names_of_vistr(source).items():
        if old not in expected or name not in changes or old.endswith(ZERO_GRADIENT):
            continue
        norm = changes[name].norm().item()
        if expected[old] == 0:
            assert norm == 0, name
            continue
        near_one = start[old] / np.sqrt(changes[name].numel()) >= 0.2
        key = 'change_norm_rtol_near_one' if near_one else 'change_norm_rtol'
        np.testing.assert_allclose(
            norm, expected[old], rtol=tolerance[key], err_msg=old
        )
        compared += 1
    assert compared > 200
