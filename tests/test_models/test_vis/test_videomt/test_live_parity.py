"""The same against transformers itself, where it is installed (extra `parity`)."""

import pytest
import torch

from mmvis.models.backbones.vision_transformer import resample_position

transformers = pytest.importorskip('transformers')
if not hasattr(transformers, 'VideomtConfig'):
    pytest.skip('transformers has no VidEoMT', allow_module_level=True)

HEADS = dict(tiny=2, s=6, b=12)


def assert_same_logits(make, outputs, expected):
    for value, frames in (
        (outputs['cls_logits'], expected.class_queries_logits),
        (outputs['mask_logits'], expected.masks_queries_logits),
    ):
        torch.testing.assert_close(value, make.by_clip(frames, 2), atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize(
    ('size', 'num_frames'),
    [(size, num_frames) for size in HEADS for num_frames in (1, 2, 7)],
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
    clips = make.draw_clips(2, num_frames, theirs.config.image_size)
    noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(0))
    for clip in (clips, noise):
        assert_same_logits(make, ours(clip), theirs(clip))


@torch.no_grad()
@pytest.mark.parametrize('image_size', [48, 128])
def test_forward_at_another_size(golden, image_size):
    """Its positions have one size; they are resampled as the test with timm checks."""
    make = golden.make
    classes = transformers.VideomtForUniversalSegmentation, transformers.VideomtConfig
    weights = make.build(*classes, 'tiny', 0.0).state_dict()
    ours = golden.convert(weights, HEADS['tiny'])
    theirs = classes[0](
        classes[1](patch_size=16, **make.SIZES['tiny'] | dict(image_size=image_size))
    ).eval()
    patches = (image_size // 16,) * 2
    positions = resample_position(ours.backbone.pos_embed, patches)[0]
    weights |= {'embeddings.position_embeddings.weight': positions}
    theirs.load_state_dict(weights)
    clips = make.draw_clips(2, 3, image_size)
    assert_same_logits(make, ours(clips), theirs(clips))


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
