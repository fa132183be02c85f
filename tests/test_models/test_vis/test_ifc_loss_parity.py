"""Matching, losses and gradients equal those of the original IFC."""

import numpy as np
import pytest
import torch

from mmvis.converters.ifc import old_names_of

FILES = [
    'loss_r50_t5',
    'loss_r50_t5_padded',
    'loss_r50_t5_emptyclip',
    'loss_r50_t5_allempty',
]
TERMS = {'loss_cls': 'loss_ce', 'loss_mask': 'loss_mask', 'loss_dice': 'loss_dice'}


def golden_term(name):
    """Name of a loss term in the original: 'd0.loss_cls' is 'loss_ce_0'."""
    layer, _, term = name.rpartition('.')
    return TERMS[term] + (f'_{layer[1:]}' if layer else '')


@pytest.mark.parametrize('name', FILES)
def test_targets_and_matching(ifc_golden, name):
    golden = ifc_golden(name)
    model = golden.build_model()
    inputs, samples = golden.batch(model)
    criterion = model.head.criterion
    with torch.no_grad():
        layers = model.head.forward_layers(model.extract_feat(inputs, samples))
    for b, sample in enumerate(samples):
        gt = criterion.prepare_targets(sample, inputs)
        assert gt.labels.tolist() == golden[f'target/labels_{b}'].tolist()
        torch.testing.assert_close(gt.masks, golden[f'target/masks_{b}'].float())
        for l, layer in enumerate(layers):
            prefix = f'match/layer{l}/clip{b}'
            cls_logits, mask_logits = layer['cls_logits'][b], layer['mask_logits'][b]
            query_inds, gt_inds = criterion.match(cls_logits, mask_logits, gt)
            assert query_inds.tolist() == golden[f'{prefix}/src'].tolist()
            assert gt_inds.tolist() == golden[f'{prefix}/tgt'].tolist()


@pytest.mark.parametrize('name', FILES)
def test_losses_and_gradients(ifc_golden, name):
    golden = ifc_golden(name)
    model = golden.build_model()
    inputs, samples = golden.batch(model)
    losses = model(inputs, samples, mode='loss')
    assert len(losses) == 9
    for term, value in losses.items():
        expected = golden.arrays[f'weighted/{golden_term(term)}']
        np.testing.assert_allclose(value.item(), expected, rtol=1e-5, atol=1e-5)

    sum(losses.values()).backward()
    params = dict(model.named_parameters())
    total = torch.stack([p.grad.norm() for p in params.values() if p.requires_grad])
    expected = golden.arrays['total_gradnorm']
    np.testing.assert_allclose(total.norm().item(), expected, rtol=1e-3)
    old_names = old_names_of(golden.source_weights())
    frozen = set(golden.arrays['params_without_grad'].tolist())
    for new, old in old_names.items():
        if old in frozen:
            assert params[new].grad is None
        elif f'gradnorm/{old}' in golden:
            expected = golden.arrays[f'gradnorm/{old}']
            norm = params[new].grad.norm().item()
            # Gradients that are zero in theory are rounding noise.
            np.testing.assert_allclose(norm, expected, rtol=1e-3, atol=1e-5)
