import pytest
import torch
from mmdet.models.backbones import PyramidVisionTransformerV2

from mmvis import memory_limits
from mmvis.models.backbones import MsgShifT, msgshift
from mmvis.models.layers import shift_tokens
from mmvis.structures import ClipFeatures

pytestmark = pytest.mark.usefixtures('mmvis_scope')

TINY = dict(embed_dims=8, num_messenger_tokens=8, drop_path_rate=0.0)
CASES = ['B1T1', 'B1T2', 'B1T5', 'B1T8', 'B2T3']
CLOSE = dict(atol=1e-4, rtol=0)


def clip_features(frames):
    padding_mask = torch.zeros_like(frames[:, :, 0], dtype=torch.bool)
    return ClipFeatures((frames,), (1,), (padding_mask,))


def record_messenger_tokens(model, monkeypatch):
    """Lists that collect the messenger tokens of each embedding and each block."""
    embedded, shifted = [], []

    def record_shift(tokens, strides):
        shifted.append(shift_tokens(tokens, strides).flatten(0, 1))
        return shifted[-1].view_as(tokens)

    monkeypatch.setattr('mmvis.models.backbones.msgshift.shift_tokens', record_shift)
    for _, blocks, _ in model.layers:
        # Input of the first block: patches, then messenger tokens.
        blocks[0].norm1.register_forward_pre_hook(
            lambda _, inputs: embedded.append(inputs[0][:, -32:])
        )
    return embedded, shifted


@torch.no_grad()
@pytest.mark.parametrize('case', CASES)
def test_levels_and_messenger_tokens_equal_the_original(
    tevit_golden, case, monkeypatch
):
    golden = tevit_golden('backbone_msgshift')
    model = golden.load_part(MsgShifT(), 'backbone.')
    embedded, shifted = record_messenger_tokens(model, monkeypatch)
    B, T = int(case[1]), int(case[3])
    clips = [golden.clip(T, (96, 160), (96, 160), seed=100 * b) for b in range(B)]
    frames = torch.stack(clips)
    actual = {}
    for i, (x, messengers) in enumerate(model.forward_stages(frames)):
        x = x.flatten(0, 1)
        actual[f'out{i}'] = x[:, ::8, ::3, ::3]
        actual[f'out{i}_mean'] = x.double().mean((1, 2, 3))
        actual[f'out{i}_std'] = x.double().std((1, 2, 3), correction=0)
        actual[f'msg_embed{i}'] = embedded[i][..., ::16]
        actual[f'msg_block{i}_0'] = shifted[2 * i][..., ::16]
        actual[f'msg_block{i}_1'] = shifted[2 * i + 1][..., ::16]
        actual[f'msg_stage{i}'] = messengers.flatten(0, 1)[..., ::4]
    arrays = {k.partition('/')[::2]: golden[k] for k in golden.arrays.files}
    expected = {key: array for (name, key), array in arrays.items() if name == case}
    torch.testing.assert_close(actual, expected, **CLOSE)

    features = model(clip_features(frames))
    torch.testing.assert_close(features.maps[-1].flatten(0, 1), x)
    torch.testing.assert_close(features.tokens, messengers)
    assert features.feat_strides == (4, 8, 16, 32)
    assert [m.shape[-1] for m in features.padding_masks] == [40, 20, 10, 5]


def tiny_backbone(**kwargs):
    torch.manual_seed(0)
    model = MsgShifT(**(TINY | kwargs))
    model.init_weights()
    return model.eval()


@torch.no_grad()
def test_clips_of_a_batch_are_independent():
    model = tiny_backbone()
    frames = torch.randn(2, 3, 3, 64, 96)
    both = model(clip_features(frames))
    for b in range(2):
        single = model(clip_features(frames[b : b + 1]))
        for batched, alone in zip(both.maps, single.maps):
            torch.testing.assert_close(batched[b], alone[0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_frames_at_once_bound_what_a_block_sees(monkeypatch):
    """And change nothing; with gradients all frames pass together."""
    model = tiny_backbone()
    frames = torch.randn(1, 5, 3, 64, 96)
    expected = model(clip_features(frames))
    monkeypatch.setattr(memory_limits, 'PIXELS_AT_ONCE', 2 * 64 * 96)
    nums = []
    run_block = msgshift._run_block

    def count(block, both, size):
        nums.append(len(both))
        return run_block(block, both, size)

    monkeypatch.setattr(msgshift, '_run_block', count)
    parted = model(clip_features(frames))
    for x, y in zip(parted.maps, expected.maps):
        torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(parted.tokens, expected.tokens, atol=1e-5, rtol=1e-4)
    assert nums == [2, 2, 1] * 8
    nums.clear()
    with torch.enable_grad():
        model(clip_features(frames))
    assert nums == [5] * 8


@torch.no_grad()
@pytest.mark.parametrize(
    ('shift_strides', 'receives'), [((1, -1), True), ((0, 0), False)]
)
def test_frames_exchange_by_the_shift_alone(shift_strides, receives):
    model = tiny_backbone(shift_strides=shift_strides)
    frames = torch.randn(1, 4, 3, 64, 64)
    before = model(clip_features(frames)).maps[-1]
    frames[0, 1] += 1
    after = model(clip_features(frames)).maps[-1]
    changed = (before - after).abs().amax((0, 2, 3, 4)) > 1e-6
    assert changed.tolist() == [receives, True, receives, receives]


@torch.no_grad()
@pytest.mark.parametrize('num_layers', [(1, 2, 3, 1), (2, 2, 2, 2)])
def test_each_stage_returns_messenger_tokens_to_their_frame(num_layers, monkeypatch):
    moves = []

    def record(tokens, strides):
        moves.append((tokens.shape[-1], strides[0]))
        return tokens

    monkeypatch.setattr('mmvis.models.backbones.msgshift.shift_tokens', record)
    model = tiny_backbone(num_layers=num_layers)
    model(clip_features(torch.randn(1, 2, 3, 64, 64)))
    for width in {width for width, _ in moves}:
        assert sum(stride for w, stride in moves if w == width) == 0
    expected = {1: [0], 2: [1, -1], 3: [1, -1, 0]}
    assert [s for _, s in moves] == [s for n in num_layers for s in expected[n]]


@pytest.mark.parametrize(
    'sizes',
    [
        dict(embed_dims=8, num_layers=[2, 2, 2, 2], mlp_ratios=[8, 8, 4, 4]),
        dict(embed_dims=16, num_layers=[3, 4, 6, 3], mlp_ratios=[8, 8, 4, 4]),
        dict(embed_dims=16, num_layers=[3, 6, 40, 3], mlp_ratios=[4, 4, 4, 4]),
    ],
    ids=['B0', 'B2', 'B5'],
)
def test_has_the_parameters_of_pvt_v2_and_messenger_tokens(sizes):
    """Of the published depths, at a quarter of their widths."""
    ours = MsgShifT(**sizes).state_dict()
    pvt = PyramidVisionTransformerV2(**sizes).state_dict()
    shapes = {name: value.shape for name, value in ours.items()}
    assert shapes.pop('msg_tokens') == (1, 32, 3)
    assert shapes == {name: value.shape for name, value in pvt.items()}


def test_every_parameter_and_messenger_token_gets_gradients():
    model = tiny_backbone().train()
    entering = []  # patches and messenger tokens of each block

    def keep(_, inputs):
        inputs[0].retain_grad()
        entering.append(inputs[0])

    for _, blocks, _ in model.layers:
        for block in blocks:
            block.norm1.register_forward_pre_hook(keep)
    features = model(clip_features(torch.randn(1, 2, 3, 64, 64)))
    sum((m * torch.randn_like(m)).sum() for m in features.maps).backward()
    norms = {name: p.grad.norm() for name, p in model.named_parameters()}
    assert [name for name, norm in norms.items() if norm == 0] == []
    # Messenger tokens are keys of the patches in the first three stages.
    read = [bool(both.grad[:, -8:].any()) for both in entering]
    assert read == [True] * 6 + [False] * 2


def test_messenger_tokens_form_equal_groups():
    with pytest.raises(ValueError, match='6 messenger tokens'):
        MsgShifT(num_messenger_tokens=6)
