"""Converted stand-in checkpoints reproduce what the original VisTR computes."""

import pytest
import torch
from torch.testing import assert_close

from mmvis.models.layers import sine_position_3d

# golden/vistr/meta.json, "tolerances"; the plain file is the tighter one.
LOGITS = {True: 2e-4, False: 5e-5}
BOXES = {True: 2e-5, False: 5e-6}
MASKS = {True: 3e-4, False: 1e-4}
SLICE = 1e-4
# Class 0 of the original is the unused class here, behind the others.
CLASSES = [40, *range(40), 41]


def by_query(x):
    """(B, N, T, ...) to (B, T*N, ...), the original's order of queries."""
    return x.transpose(1, 2).flatten(1, 2)


def record(modules):
    """Keep all outputs of modules, by name."""
    outputs = {name: [] for name in modules}
    for name, module in modules.items():
        module.register_forward_hook(
            lambda _, __, output, name=name: outputs[name].append(output.detach())
        )
    return outputs


def compare(given, expected, atol, rtol=0.0):
    assert_close(given, expected, atol=atol, rtol=rtol)


def compare_stats(x, expected):
    """Mean and deviation of a whole tensor, relative to the deviation; largest value.

    That is a single value, whose last digits depend on the CPU: relative to itself.
    """
    x = x.double()
    given = torch.stack([x.mean(), x.std(correction=0), x.abs().max()])
    compare(given[:2], expected[:2], atol=1e-4 * expected[1].item())
    compare(given[2], expected[2], atol=0, rtol=1e-4)


def compare_slice(x, golden, key, index):
    """A slice of a map, relative to its largest value."""
    expected = golden[f'{key}_slice']
    compare(x[index], expected, atol=SLICE * max(1.0, expected.abs().max().item()))
    compare_stats(x, golden[f'{key}_stats'])


@torch.no_grad()
@pytest.mark.parametrize(
    'name',
    ['forward_r50_t6', 'forward_r50_t6_pad', 'forward_r50_t6_plain', 'forward_r50'],
)
def test_forward(vistr_golden, name):
    golden = vistr_golden(name)
    model = golden.build_model()
    head = model.head
    seen = record(
        dict(
            input_proj=model.necks[0].input_proj,
            hs=head.decoder,
            box_att=head.bbox_attention,
            seg24=head.mask_head,
            offset=head.mask_head.conv_offset,
            dcn=head.mask_head.dcn,
        )
    )
    inputs, samples = golden.batch(model)
    T = inputs.shape[1]
    some = slice(None, None, max(1, T // 3))
    frame_features = model.extract_frame_feat(inputs, samples)
    features = model.encode_clip(frame_features)
    layers = head.forward_layers(features)

    padding_masks = frame_features.padding_masks[-1]
    if 'feat_mask' in golden:
        assert torch.equal(padding_masks[0], golden['feat_mask'].bool())
    for i, m in enumerate(frame_features.maps):
        corner = (some, slice(8), slice(4), slice(4))
        compare_slice(m[0], golden, f'layer{i + 1}', corner)
    compare_slice(seen['input_proj'][0], golden, 'src_proj', (some, slice(16)))
    pos = sine_position_3d(padding_masks, 384).view(T, *padding_masks.shape[2:], 384)
    pos = pos.permute(0, 3, 1, 2)
    compare(pos[[0, T // 2, T - 1]], golden['pos_slice'], atol=1e-5)
    compare_stats(pos, golden['pos_stats'])
    encoded = features.maps[-1][0].flatten(2).transpose(0, 1)  # (C, T, h*w)
    compare_slice(encoded, golden, 'memory', (slice(None, None, 8), some))
    queries = seen['hs'][0][:, 0]  # (L, Q, C)
    compare(queries[..., ::16], golden['hs_slice'], atol=SLICE)
    for query, expected in zip(queries, golden['hs_stats']):
        compare_stats(query, expected)
    ends = [0, T - 1]
    attention = torch.cat(seen['box_att'])
    compare_slice(attention, golden, 'box_att', ends)
    mask_features = torch.cat(seen['seg24'])  # (T, N, c, H, W)
    index = (ends, slice(None, None, 9), slice(None, None, 4))
    compare_slice(mask_features, golden, 'seg24', index)
    compare_stats(torch.cat(seen['offset']), golden['dcn_offset_stats'])
    compare_stats(torch.cat(seen['dcn']), golden['dcn_out_stats'])

    gains = golden.recipe['gains'] is not None
    last = layers[-1]
    logits = by_query(last['cls_logits'])[..., CLASSES]
    compare(logits, golden['pred_logits'], atol=LOGITS[gains])
    bboxes = by_query(last['bboxes_cxcywh'])
    compare(bboxes, golden['pred_boxes'], atol=BOXES[gains])
    mask_logits = by_query(last['mask_logits'])
    compare(mask_logits, golden['pred_masks'], atol=MASKS[gains])
    for i, layer in enumerate(layers[:-1]):
        bboxes = by_query(layer['bboxes_cxcywh'])
        compare(bboxes, golden['aux_boxes'][i], atol=BOXES[gains])
        if 'aux_logits' in golden:
            logits = by_query(layer['cls_logits'])[..., CLASSES]
            compare(logits, golden['aux_logits'][i], atol=LOGITS[gains])


@torch.no_grad()
def test_clips_of_a_batch_are_independent(vistr_golden):
    """The original raises for more than one clip."""
    golden = vistr_golden('forward_r50_t6')
    model = golden.build_model()
    inputs, _ = golden.batch(model)
    both = model(torch.cat([inputs.flip(1), inputs]))
    compare(by_query(both['mask_logits'])[1:], golden['pred_masks'], atol=3e-4)
    logits = by_query(both['cls_logits'])[1:, :, CLASSES]
    compare(logits, golden['pred_logits'], atol=2e-4)


@torch.no_grad()
def test_short_clips_repeat_their_frames(vistr_golden):
    """Four frames give what the first four of 0 1 2 3 0 1 do."""
    golden = vistr_golden('forward_r50_t6')
    model = golden.build_model()
    inputs, _ = golden.batch(model)
    short = model(inputs[:, :4])
    outputs = vistr_golden('postprocess_r50_t6_outputs', recipe='forward_r50_t6')
    mask_logits = outputs['len4/pred_masks'].unflatten(1, (6, 10))[:, :4].flatten(1, 2)
    compare(by_query(short['mask_logits']), mask_logits, atol=3e-4)
