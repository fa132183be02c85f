import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvis.datasets.transforms import MakePseudoClip
from mmvis.structures.rle import mask_bbox

SIZE = (60, 90)


def make_image():
    """A dark image with a bright square; a second instance in the corner."""
    masks = np.zeros((2, *SIZE), dtype=np.uint8)
    masks[0, 20:44, 30:60] = 1
    masks[1, :3, :3] = 1
    img = np.where(masks[0, ..., None] > 0, 220, 20).astype(np.uint8).repeat(3, axis=2)
    boxes = [mask_bbox(mask) for mask in masks]
    return dict(
        img=[img],
        img_shape=[SIZE],
        frame_id=[0],
        video_id=[5],
        video_len=[1],
        gt_masks=[BitmapMasks(masks, *SIZE)],
        gt_bboxes=[HorizontalBoxes(torch.tensor(boxes))],
        gt_bboxes_labels=[np.array([3, 4])],
        gt_instances_ids=[np.array([30, 40])],
    )


def centre(mask):
    ys, xs = np.nonzero(mask)
    return np.array([ys.mean(), xs.mean()])


@pytest.mark.parametrize('smooth', [True, False])
def test_masks_follow_pixels_and_boxes_follow_masks(seeded, smooth):
    for _ in range(5):
        clip = MakePseudoClip(4, smooth=smooth).transform(make_image())
        assert {len(value) for value in clip.values()} == {4}
        assert clip['frame_id'] == [0, 1, 2, 3]
        assert clip['video_len'] == [4] * 4
        assert clip['video_id'] == [5] * 4
        for t in range(4):
            assert clip['gt_instances_ids'][t].tolist() == [30, 40]
            mask = clip['gt_masks'][t].masks[0]
            is_bright = clip['img'][t][..., 0] > 160
            assert (mask & is_bright).sum() > 0.95 * (mask | is_bright).sum()
            for n in range(2):
                assert clip['gt_bboxes'][t].tensor[n].tolist() == mask_bbox(
                    clip['gt_masks'][t].masks[n]
                )
        centres = [centre(masks.masks[0]) for masks in clip['gt_masks']]
        steps = np.diff(centres, axis=0)
        if smooth:  # a camera in motion: equal steps, up to the grid of pixels
            assert np.abs(steps - steps.mean(axis=0)).max() < 1.0
        assert np.abs(centres[0] - centres[-1]).max() > 0.3


def test_without_motion_all_frames_are_the_image():
    still = MakePseudoClip(
        3, max_rotate_degree=0, scale_range=(1, 1), max_shift=0
    ).transform(make_image())
    for t in range(3):
        np.testing.assert_array_equal(still['img'][t], make_image()['img'][0])
        np.testing.assert_array_equal(
            still['gt_masks'][t].masks, make_image()['gt_masks'][0].masks
        )


def test_zoom_makes_instances_larger_and_the_corner_leave():
    clip = MakePseudoClip(
        2, max_rotate_degree=0, scale_range=(2, 2), max_shift=0
    ).transform(make_image())
    first, second = clip['gt_masks'][0].masks
    assert first.sum() == pytest.approx(4 * 24 * 30, rel=0.03)
    assert second.sum() == 0
    assert clip['gt_bboxes'][0].tensor[1].tolist() == [0, 0, 0, 0]


def test_beyond_the_border_is_the_fill_value(seeded):
    clip = MakePseudoClip(
        1, scale_range=(0.5, 0.5), max_shift=0, fill_value=(1, 2, 3)
    ).transform(make_image())
    assert clip['img'][0][0, 0].tolist() == [1, 2, 3]


def test_without_annotations(seeded):
    image = {k: v for k, v in make_image().items() if not k.startswith('gt_')}
    clip = MakePseudoClip(2).transform(image)
    assert len(clip['img']) == 2
    assert 'gt_masks' not in clip


def test_more_than_one_frame_is_refused():
    image = make_image()
    image['img'] *= 2
    with pytest.raises(ValueError, match='makes a clip of one image, got 2 frames'):
        MakePseudoClip(3).transform(image)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(clip_len=0), '`clip_len` must be at least 1'),
        (dict(clip_len=2, scale_range=(2, 1)), '0 < low <= high, got'),
        (dict(clip_len=2, scale_range=(0, 1)), '0 < low <= high, got'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        MakePseudoClip(**options)
