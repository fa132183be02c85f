import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvis.datasets.transforms import RandomClipCrop


def make_clip(boxes, size=(40, 60)):
    """Frames whose pixels hold their own y and x; boxes (T, N) or None."""
    ys, xs = np.mgrid[: size[0], : size[1]]
    img = np.stack([ys, xs, ys * 0], axis=-1).astype(np.uint8)
    masks = np.zeros((len(boxes), len(boxes[0]), *size), dtype=np.uint8)
    xyxy = np.zeros((len(boxes), len(boxes[0]), 4), dtype=np.float32)
    for t, frame in enumerate(boxes):
        for n, box in enumerate(frame):
            if box is not None:
                masks[t, n, box[1] : box[3], box[0] : box[2]] = 1
                xyxy[t, n] = box
    return dict(
        img=[img.copy() for _ in boxes],
        img_shape=[size] * len(boxes),
        gt_masks=[BitmapMasks(m, *size) for m in masks],
        gt_bboxes=[HorizontalBoxes(torch.from_numpy(b)) for b in xyxy],
    )


BOXES = [[(5, 6, 15, 16), None], [(9, 8, 19, 18), (50, 30, 58, 38)]]


def test_all_frames_are_cropped_alike(seeded):
    shapes = set()
    for _ in range(30):
        clip = RandomClipCrop(10, 30).transform(make_clip(BOXES))
        height, width = clip['img_shape'][0]
        shapes.add((height, width))
        assert 10 <= height <= 30
        assert 10 <= width <= 30
        top, left = clip['img'][0][0, 0, :2].astype(int)
        original = make_clip(BOXES)
        for t in range(2):
            window = np.s_[top : top + height, left : left + width]
            np.testing.assert_array_equal(clip['img'][t], original['img'][t][window])
            expected = original['gt_masks'][t].masks[(slice(None), *window)]
            np.testing.assert_array_equal(clip['gt_masks'][t].masks, expected)
            assert clip['gt_masks'][t].masks.shape == (2, height, width)
            boxes = original['gt_bboxes'][t].tensor.numpy() - [left, top, left, top]
            boxes = boxes.clip(0, [width, height, width, height])
            np.testing.assert_allclose(clip['gt_bboxes'][t].tensor, boxes)
    assert len(shapes) > 20, 'sides are drawn independently'


def test_one_instance_stays_even_if_tiny(seeded):
    boxes = [[None, None], [None, (59, 39, 60, 40)]]
    for _ in range(30):
        clip = RandomClipCrop(8, 8, max_attempts=2).transform(make_clip(boxes))
        assert clip['img_shape'] == [(8, 8), (8, 8)]
        assert clip['gt_masks'][1].masks[1].sum() == 1


def test_sides_are_limited_by_the_image(seeded):
    clip = RandomClipCrop(384, 600).transform(make_clip(BOXES))
    assert clip['img_shape'] == [(40, 60)] * 2
    clip = RandomClipCrop(50, 50).transform(make_clip(BOXES))
    assert clip['img_shape'] == [(40, 50)] * 2


@pytest.mark.parametrize('annotated', [True, False])
def test_clip_without_instances(seeded, annotated):
    clip = make_clip([[None], [None]])
    if not annotated:
        del clip['gt_masks'], clip['gt_bboxes']
    assert RandomClipCrop(10, 10).transform(clip)['img'][1].shape == (10, 10, 3)


@pytest.mark.parametrize('sizes', [(0, 5), (6, 5)])
def test_bad_options(sizes):
    with pytest.raises(ValueError, match='0 < min_size <= max_size, got'):
        RandomClipCrop(*sizes)
