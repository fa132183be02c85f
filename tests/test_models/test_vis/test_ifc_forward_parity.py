"""Converted stand-in checkpoints reproduce what the original IFC computes."""

import pytest
import torch

FILES = [
    'forward_r50_t5',
    'forward_r50_t5_scaled',
    'forward_r50_t5_nodiv',
    'forward_r50_t5_batch2_padded',
    'forward_r50_t36',
]
# golden/ifc/meta.json, "tolerances"
LOGITS = dict(atol=5e-5, rtol=0)
MASKS = dict(atol=2e-4, rtol=0)
INTERMEDIATE = dict(atol=1e-4, rtol=1e-4)


def _record(model, modules):
    """Keep the last output of modules."""
    outputs = {}

    def hook(name):
        return lambda module, inputs, output: outputs.__setitem__(name, output)

    for name, module in modules.items():
        module.register_forward_hook(hook(name))
    return outputs


def _pick(x, golden, key):
    """The frames and channels of maps (B*T, C, H, W) that a file keeps."""
    expected = golden[key]
    frames = 5 if len(expected) < len(x) else 1
    channels = x.shape[1] // expected.shape[1]
    x = x[::frames, ::channels]
    return x[..., ::2, ::2] if key == 'res3' else x


@torch.no_grad()
@pytest.mark.parametrize('name', FILES)
def test_forward(ifc_golden, name):
    golden = ifc_golden(name)
    model = golden.build_model()
    seen = _record(
        model,
        dict(
            input_proj=model.necks[0].input_proj,
            clip_hs=model.head.decoder,
            mask_feat=model.head.mask_features,
            mask_kernel=model.head.mask_kernels,
        ),
    )
    inputs, samples = golden.batch(model)
    features = model.extract_feat(inputs, samples)
    frame_features = model.extract_frame_feat(inputs, samples)
    layers = model.head.forward_layers(features)

    masks_of_res5 = frame_features.padding_masks[-1].flatten(0, 1)
    assert torch.equal(masks_of_res5, golden['res5_mask'].bool())
    for key, m in zip(('res3', 'res4', 'res5'), frame_features.maps):
        picked = _pick(m.flatten(0, 1), golden, key)
        torch.testing.assert_close(picked, golden[key], **INTERMEDIATE)
    for key in ('input_proj', 'mask_feat'):
        picked = _pick(seen[key], golden, key)
        torch.testing.assert_close(picked, golden[key], **INTERMEDIATE)
    encoded = _pick(features.maps[-1].flatten(0, 1), golden, 'enc_out')
    torch.testing.assert_close(encoded, golden['enc_out'], **INTERMEDIATE)
    memory = features.tokens.flatten(0, 1).transpose(0, 1)
    torch.testing.assert_close(memory, golden['bus_out'], **INTERMEDIATE)
    queries = seen['clip_hs'].transpose(1, 2)[-len(golden['clip_hs']) :]
    torch.testing.assert_close(queries, golden['clip_hs'], **INTERMEDIATE)
    q_step, aux_q_step = golden['q_step'], golden['aux_q_step']
    kernels = seen['mask_kernel'][:, ::q_step]
    torch.testing.assert_close(kernels, golden['mask_kernel'][-1], **INTERMEDIATE)

    last = layers[-1]
    torch.testing.assert_close(last['cls_logits'], golden['pred_logits'], **LOGITS)
    mask_logits = last['mask_logits'][:, ::q_step]
    torch.testing.assert_close(mask_logits, golden['pred_masks'], **MASKS)
    for i, layer in enumerate(layers[:-1]):
        if f'aux{i}_logits' in golden:
            expected = golden[f'aux{i}_logits']
            torch.testing.assert_close(layer['cls_logits'], expected, **LOGITS)
            mask_logits = layer['mask_logits'][:, ::aux_q_step]
            torch.testing.assert_close(mask_logits, golden[f'aux{i}_masks'], **MASKS)


@torch.no_grad()
def test_tensor_mode_gives_the_last_layer(ifc_golden):
    golden = ifc_golden('forward_r50_t5_nodiv')
    model = golden.build_model()
    outputs = model(golden.batch(model)[0])
    torch.testing.assert_close(outputs['cls_logits'], golden['pred_logits'], **LOGITS)
    mask_logits = outputs['mask_logits'][:, :: golden['q_step']]
    torch.testing.assert_close(mask_logits, golden['pred_masks'], **MASKS)
