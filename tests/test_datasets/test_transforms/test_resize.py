import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from PIL import Image

from mmvis.datasets.transforms import Resize
from mmvis.datasets.transforms.resize import resize_antialiased


def noise(height, width, channels=3):
    rng = np.random.default_rng(0)
    img = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    img[: height // 3] = rng.choice([0, 255], (height // 3, width, channels))
    return img


def by_pillow(img, size):
    return np.asarray(Image.fromarray(img).resize(size, Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    ('size', 'target'),
    [
        ((72, 128), (36, 64)),
        ((66, 126), (22, 42)),
        ((60, 62), (20, 31)),
        ((50, 90), (50, 30)),
        ((2, 6), (1, 2)),
    ],
)
@pytest.mark.parametrize('seed', range(3))
def test_halves_and_thirds_are_pillows_numbers(size, target, seed):
    img = np.roll(noise(*size), seed, axis=1)
    results = Resize(scale=target[::-1], backend='pillow').transform(dict(img=img))
    np.testing.assert_array_equal(results['img'], by_pillow(img, target[::-1]))


@pytest.mark.parametrize(
    ('target', 'calls'),
    [((36, 64), 1), ((24, 64), 1), ((18, 32), 0), ((36, 63), 0), ((48, 128), 0)],
)
def test_other_sizes_are_left_to_pillow(target, calls, monkeypatch):
    sizes = []

    def resize(img, size):
        sizes.append(size)
        return resize_antialiased(img, size)

    monkeypatch.setattr('mmvis.datasets.transforms.resize.resize_antialiased', resize)
    img = noise(72, 128)
    results = Resize(scale=target[::-1], backend='pillow').transform(dict(img=img))
    assert len(sizes) == calls
    np.testing.assert_array_equal(results['img'], by_pillow(img, target[::-1]))


@pytest.mark.parametrize('target', [(60, 107), (48, 85), (29, 51), (18, 32), (100, 9)])
def test_torch_differs_from_pillow_by_one_at_most(target):
    img = noise(72, 128)
    results = Resize(scale=target[::-1], backend='torch').transform(dict(img=img))
    difference = np.abs(results['img'].astype(int) - by_pillow(img, target[::-1]))
    assert difference.max() <= 1
    assert difference.mean() < 0.02
    assert results['img'].dtype == np.uint8


def test_torch_resizes_floats():
    img = noise(40, 60)
    expected = resize_antialiased(img, (30, 20)).astype(float)
    resized = resize_antialiased(img.astype(np.float32), (30, 20))
    assert resized.dtype == np.float32
    # Pixels are rounded after each direction.
    np.testing.assert_allclose(resized, expected, atol=1.1)


def test_image_is_not_changed():
    img = noise(72, 128)
    before = img.copy()
    results = Resize(scale=(64, 36), backend='torch').transform(dict(img=img[:, ::-1]))
    np.testing.assert_array_equal(img, before)
    np.testing.assert_array_equal(
        results['img'], by_pillow(np.ascontiguousarray(img[:, ::-1]), (64, 36))
    )


def frame(img, decoded=False):
    rng = np.random.default_rng(1)
    masks = BitmapMasks(rng.integers(0, 2, (2, 72, 126), dtype=np.uint8), 72, 126)
    bboxes = HorizontalBoxes(torch.tensor([[3.0, 5.0, 90.0, 70.0], [0, 0, 126, 72]]))
    results = dict(img=img, img_shape=(72, 126), gt_masks=masks, gt_bboxes=bboxes)
    return results | (dict(decoded_shape=img.shape[:2]) if decoded else {})


@pytest.mark.parametrize('scale', [(63, 36), (50, 29), (41, 20)])
@pytest.mark.parametrize('keep_ratio', [True, False])
@pytest.mark.parametrize('backend', ['cv2', 'pillow', 'torch'])
def test_size_of_decoding_changes_only_pixels(scale, keep_ratio, backend):
    resize = Resize(scale=scale, keep_ratio=keep_ratio, backend=backend)
    whole = resize.transform(frame(noise(72, 126)))
    reduced = resize.transform(frame(noise(36, 63), decoded=True))
    assert reduced['decoded_shape'] is None
    assert reduced['img'].shape == whole['img'].shape
    for key in ('img_shape', 'scale_factor', 'keep_ratio'):
        assert reduced[key] == whole[key]
    np.testing.assert_array_equal(reduced['gt_masks'].masks, whole['gt_masks'].masks)
    assert torch.equal(reduced['gt_bboxes'].tensor, whole['gt_bboxes'].tensor)
    assert reduced['gt_masks'].masks.shape[1:] == reduced['img'].shape[:2]


def test_changed_frame_is_refused():
    results = frame(noise(36, 63), decoded=True)
    results['img'] = results['img'][:30]
    with pytest.raises(ValueError, match=r'decoded at \(36, 63\) .* moved or cut it'):
        Resize(scale=(50, 29)).transform(results)


def test_scale_factor_needs_whole_frames():
    results = frame(noise(36, 63), decoded=True)
    with pytest.raises(ValueError, match='`scale_factor` needs whole frames'):
        Resize(scale_factor=0.5).transform(results)
    whole = Resize(scale_factor=0.5).transform(frame(noise(72, 126)))
    assert whole['img'].shape == (36, 63, 3)


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match=r"`backend` of Resize must be one of.*'pil'"):
        Resize(scale=(64, 36), backend='pil')
    with pytest.raises(ValueError, match="has no `interpolation` 'area'"):
        Resize(scale=(64, 36), backend='torch', interpolation='area')
