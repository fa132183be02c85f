"""The same against transformers itself, where it is installed (extra `parity`)."""

import pytest
import torch

transformers = pytest.importorskip('transformers')
if not hasattr(transformers, 'VideomtConfig'):
    pytest.skip('transformers has no VidEoMT', allow_module_level=True)

HEADS = dict(tiny=2, s=6, b=12)


@torch.no_grad()
@pytest.mark.parametrize(
    ('size', 'num_frames'),
    [('tiny', 1), ('tiny', 2), ('tiny', 7), ('s', 7), ('b', 2)],
)
def test_forward(golden, size, num_frames):
    make = golden.make
    theirs = make.build(
        transformers.VideomtForUniversalSegmentation,
        transformers.VideomtConfig,
        size,
        0.0,
    )
    ours = golden.convert(theirs.state_dict(), HEADS[size])
    clips = torch.randn(2, num_frames, 3, *[theirs.config.image_size] * 2)
    expected, outputs = theirs(clips), ours(clips)
    for value, frames in (
        (outputs['cls_logits'], expected.class_queries_logits),
        (outputs['mask_logits'], expected.masks_queries_logits),
    ):
        torch.testing.assert_close(value, make.by_clip(frames, 2), atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_segmenter_forward(golden, prob):
    theirs = golden.make.build(
        transformers.EomtForUniversalSegmentation,
        transformers.EomtConfig,
        'tiny',
        prob,
    )
    ours = golden.convert(theirs.state_dict(), HEADS['tiny'])
    frames = torch.randn(3, 3, 64, 64)
    expected, outputs = theirs(frames), ours(frames[:, None])
    torch.testing.assert_close(
        outputs['cls_logits'][:, :, 0], expected.class_queries_logits, atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        outputs['mask_logits'][:, :, 0],
        expected.masks_queries_logits,
        atol=1e-4,
        rtol=0,
    )
