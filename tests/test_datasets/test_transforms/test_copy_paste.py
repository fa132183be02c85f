import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvis.datasets.transforms import CopyPasteClip
from mmvis.structures.rle import mask_bbox

SIZE = (60, 90)
PASTED = 220  # colour of the instance of the other clip


def make_clip(value, box, instance_id, size=SIZE, num_frames=3):
    """A rectangle of one colour that moves by two pixels a frame on a dark ground."""
    clip = dict(img=[], gt_masks=[], gt_bboxes=[])
    x1, y1, x2, y2 = box
    for t in range(num_frames):
        mask = np.zeros((1, *size), dtype=np.uint8)
        mask[0, y1:y2, x1 + 2 * t : x2 + 2 * t] = 1
        img = np.where(mask[0][..., None] > 0, value, 20).astype(np.uint8)
        clip['img'].append(img.repeat(3, axis=2))
        clip['gt_masks'].append(BitmapMasks(mask, *size))
        clip['gt_bboxes'].append(HorizontalBoxes(torch.tensor([mask_bbox(mask[0])])))
    clip['gt_bboxes_labels'] = [np.array([instance_id % 10])] * num_frames
    clip['gt_instances_ids'] = [np.array([instance_id])] * num_frames
    clip['gt_ignore_flags'] = [np.array([False])] * num_frames
    return clip


def make_pair(**options):
    clip = make_clip(120, (10, 20, 50, 50), 31)
    return dict(clip, mix_results=[make_clip(PASTED, (5, 5, 29, 25), 32, **options)])


def draw_until(pasted_num, transform, pair):
    """The first clip in which so many instances are seen."""
    for _ in range(50):
        clip = transform.transform(pair)
        if len(clip['gt_bboxes_labels'][0]) == 1 + pasted_num:
            return clip
    raise AssertionError(f'no clip with {pasted_num} instances more in 50')


@pytest.mark.parametrize('behind_prob', [0.0, 1.0])
def test_masks_are_what_is_seen_of_the_pixels(seeded, behind_prob):
    transform = CopyPasteClip(prob=1.0, behind_prob=behind_prob)
    pair = make_pair()
    for _ in range(5):
        clip = draw_until(1, transform, pair)
        for t in range(3):
            old, new = clip['gt_masks'][t].masks
            assert not (old & new).any()
            full_old = pair['gt_masks'][t].masks[0]
            if behind_prob:
                assert (old == full_old).all()
            else:
                assert (old == full_old & ~new).all() or not old.any()
            grey = clip['img'][t][..., 0]
            # Interpolation mixes the colours of the border.
            assert (grey[new > 0] > 100).mean() > 0.9
            assert (grey[old > 0] == 120).all()
            for n in range(2):
                box = clip['gt_bboxes'][t].tensor[n].tolist()
                assert box == mask_bbox(clip['gt_masks'][t].masks[n])


def test_ids_and_labels_are_appended_in_every_frame(seeded):
    clip = draw_until(1, CopyPasteClip(prob=1.0), make_pair())
    for t in range(3):
        assert clip['gt_bboxes_labels'][t].tolist() == [1, 2]
        first, second = clip['gt_instances_ids'][t].tolist()
        assert first == 31
        assert second != 31
        assert clip['gt_ignore_flags'][t].tolist() == [False, False]


def test_it_drifts_in_a_straight_line_beside_its_own_motion(seeded):
    transform = CopyPasteClip(
        prob=1.0, scale_range=(1.0, 1.0), max_drift=0.05, behind_prob=0.0
    )
    steps = set()
    for _ in range(40):
        clip = draw_until(1, transform, make_pair())
        boxes = np.array([frame.tensor[1].tolist() for frame in clip['gt_bboxes']])
        is_inside = (boxes > 0).all() and (boxes < [90, 60, 90, 60]).all()
        if is_inside:
            first, second = np.diff(boxes[:, :2], axis=0)
            assert np.abs(first - second).max() <= 1  # up to the grid of pixels
            # Own motion of 2, flipped or not, and at most 3 of drift.
            assert np.abs(first[0]) <= 6
            assert np.abs(first[1]) <= 4
            steps.add(tuple(first))
    assert len(steps) > 3


def test_hardly_visible_instances_are_absent(seeded):
    transform = CopyPasteClip(prob=1.0, behind_prob=0.0, min_visible=1.0)
    for _ in range(10):
        clip = draw_until(1, transform, make_pair())
        for t in range(3):
            area = clip['gt_masks'][t].masks[0].sum()
            assert area in (0, 40 * 30)


def test_another_size_is_scaled_to_the_clip(seeded):
    transform = CopyPasteClip(prob=1.0, scale_range=(1.0, 1.0), behind_prob=0.0)
    heights = []
    for _ in range(20):
        clip = draw_until(1, transform, make_pair(size=(120, 180)))
        assert clip['img'][0].shape[:2] == SIZE
        box = clip['gt_bboxes'][0].tensor[1]
        heights.append(float(box[3] - box[1]))
    assert max(heights) == pytest.approx(10, abs=1)  # half of 20


def test_share_and_number(seeded):
    pair = make_pair()
    untouched = CopyPasteClip(prob=0.0).transform(pair)
    assert len(untouched['gt_bboxes_labels'][0]) == 1
    assert len(pair['gt_bboxes_labels'][0]) == 1  # the input is left as it was
    transform = CopyPasteClip(prob=0.5, max_num_pasted=1)
    num = sum(len(transform.transform(pair)['gt_masks'][0]) - 1 for _ in range(200))
    assert 30 <= num <= 70  # one half of one half


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(prob=1.5), r'`prob` must be in \[0, 1\], got 1.5'),
        (dict(max_num_pasted=-1), 'must not be negative'),
        (dict(max_drift=float('nan')), 'must not be negative, got 2 and nan'),
        (dict(scale_range=(0.0, 1.0)), '0 < low <= high'),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        CopyPasteClip(**options)


def test_wrong_clips():
    with pytest.raises(ValueError, match='MultiImageMixDataset'):
        CopyPasteClip().transform(make_clip(120, (10, 20, 50, 50), 31))
    with pytest.raises(ValueError, match='one length, got 3 and 2 frames'):
        CopyPasteClip().transform(make_pair(num_frames=2))


@pytest.mark.parametrize('is_source', [False, True])
def test_frames_at_a_reduced_size_are_refused(is_source):
    pair = make_pair()
    clip = pair['mix_results'][0] if is_source else pair
    clip['decoded_shape'] = [SIZE] * 3
    with pytest.raises(ValueError, match=r'CopyPasteClip got frames .* reduced size'):
        CopyPasteClip(prob=1.0).transform(pair)
