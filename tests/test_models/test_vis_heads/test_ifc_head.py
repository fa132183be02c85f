import pytest
import torch

from mmvis.models.vis_heads import IFCHead
from mmvis.structures import ClipFeatures

pytestmark = pytest.mark.usefixtures('mmvis_scope')
B, T, Q, K, C, M = 2, 3, 5, 4, 16, 2


def make_head(**changes):
    torch.manual_seed(0)
    cfg = dict(
        num_classes=K,
        in_channels=[6, 8, C],
        embed_dims=C,
        num_queries=Q,
        decoder=dict(
            type='ClipDecoder',
            num_layers=2,
            layer=dict(num_heads=2, feedforward_channels=20),
        ),
        num_groups=4,
    )
    return IFCHead(**(cfg | changes)).eval()


def make_features(tokens=True):
    generator = torch.Generator().manual_seed(1)
    sizes = ((6, 8, 12), (8, 4, 6), (C, 2, 3))
    maps = tuple(torch.randn(B, T, *size, generator=generator) for size in sizes)
    masks = tuple(m.new_zeros(B, T, *m.shape[-2:]).bool() for m in maps)
    features = ClipFeatures(maps, (8, 16, 32), masks)
    if not tokens:
        return features
    return features.replace(
        tokens=torch.randn(B, T, M, C, generator=generator),
        token_pos=torch.randn(M, C, generator=generator),
    )


@pytest.mark.parametrize('tokens', [True, False])
def test_outputs(tokens):
    outputs = make_head()(make_features(tokens))
    assert outputs['cls_logits'].shape == (B, Q, K + 1)
    assert outputs['mask_logits'].shape == (B, Q, T, 8, 12)


def test_forward_is_the_last_layer():
    head, features = make_head(), make_features()
    last = head.forward_layers(features)[-1]
    for name, value in head(features).items():
        torch.testing.assert_close(value, last[name])


def test_masks_are_kernels_times_features():
    head, features = make_head(), make_features()
    query = head.decoder(features)[-1]
    fused = head.mask_features([m.flatten(0, 1) for m in features.maps])
    assert fused.min() >= 0
    kernel = head.mask_kernels(query)[1, 4]
    expected = torch.einsum('c,tchw->thw', kernel, fused.unflatten(0, (B, T))[1])
    torch.testing.assert_close(head(features)['mask_logits'][1, 4], expected)


def test_fewer_levels_give_coarser_masks():
    head = make_head(num_levels=2)
    assert head(make_features())['mask_logits'].shape == (B, Q, T, 4, 6)


def test_predict_drops_no_object():
    head, features = make_head(), make_features()
    with torch.no_grad():
        head.class_embed.layers[-1].weight *= 20
        probs = head(features)['cls_logits'].softmax(-1)
        predictions, _ = head.predict(features)
    kept = probs.argmax(-1) != K
    assert 0 < kept.sum() < B * Q
    for b, prediction in enumerate(predictions):
        torch.testing.assert_close(prediction.cls_probs, probs[b, kept[b]])
        assert prediction.mask_logits.shape == (len(prediction), T, 8, 12)


def test_frame_order_of_a_clip_turns_masks_around():
    head, features = make_head(), make_features()
    flipped = features.replace(
        maps=tuple(m.flip(1) for m in features.maps), tokens=features.tokens.flip(1)
    )
    out, out_flipped = head(features), head(flipped)
    torch.testing.assert_close(out['cls_logits'], out_flipped['cls_logits'])
    torch.testing.assert_close(out['mask_logits'].flip(2), out_flipped['mask_logits'])


def test_wrong_channels_are_named():
    with pytest.raises(ValueError, match=r'head\.in_channels is \[6, 8, 32\]'):
        make_head(in_channels=[6, 8, 32])
    with pytest.raises(ValueError, match='num_levels=3'):
        make_head(in_channels=[8, C])


@pytest.mark.parametrize('seed', range(4))
def test_as_probable_as_no_object_is_an_object(seed):
    head, features = make_head(), make_features()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in head.class_embed.layers[1].parameters():
            parameter.uniform_(-1e-7, 1e-7)
        predictions, _ = head.predict(features)
    assert [p.query_inds.tolist() for p in predictions] == [list(range(Q))] * B
