import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks

from mmvis.datasets.transforms import PackClipInputs


def make_clip(masks, bboxes=None, ignore=None):
    """A clip from masks (T, N, H, W)."""
    T, N, H, W = masks.shape
    rng = np.random.default_rng(0)
    bboxes = np.ones((T, N, 4)) * [1, 1, 3, 3] if bboxes is None else bboxes
    ignore = np.zeros(N, dtype=bool) if ignore is None else np.array(ignore)
    return dict(
        img=list(rng.integers(0, 256, (T, H, W, 3), dtype=np.uint8)),
        img_path=[f'{t}.jpg' for t in range(T)],
        frame_id=list(range(T)),
        video_id=[4] * T,
        video_len=[9] * T,
        img_shape=[(H, W)] * T,
        ori_shape=[(2 * H, 2 * W)] * T,
        scale_factor=[(0.5, 0.5)] * T,
        flip=[True] * T,
        gt_masks=[BitmapMasks(m, H, W) for m in masks],
        gt_bboxes=[HorizontalBoxes(torch.tensor(b, dtype=torch.float)) for b in bboxes],
        gt_bboxes_labels=[np.arange(N) + 20] * T,
        gt_instances_ids=[np.arange(N) * 10] * T,
        gt_ignore_flags=[ignore] * T,
    )


@pytest.fixture
def masks():
    masks = np.zeros((3, 4, 6, 8), dtype=np.uint8)
    masks[:, 0, 1:3, 1:3] = 1
    masks[1, 2, 2:5, 4:8] = 1  # 1 is never seen, 2 in one frame only
    masks[[0, 2], 3, 1:3, 1:3] = 1
    return masks


def test_packed_clip(masks):
    clip = make_clip(masks)
    images = np.stack(clip['img'])
    packed = PackClipInputs().transform(clip)
    assert packed['inputs'].dtype == torch.uint8
    assert packed['inputs'].is_contiguous()
    np.testing.assert_array_equal(packed['inputs'], images.transpose(0, 3, 1, 2))
    samples = packed['data_samples'].video_data_samples
    for t, sample in enumerate(samples):
        assert sample.metainfo == dict(
            img_path=f'{t}.jpg',
            frame_id=t,
            video_id=4,
            video_len=9,
            ori_shape=(12, 16),
            img_shape=(6, 8),
            scale_factor=(0.5, 0.5),
            flip=True,
        )
        gt = sample.gt_instances
        assert gt.instances_id.tolist() == [0, 20, 30]
        assert gt.labels.tolist() == [20, 22, 23]
        np.testing.assert_array_equal(gt.masks.masks, masks[t, [0, 2, 3]])
        assert gt.visible.tolist() == [True, t == 1, t != 1]
        # Absent instances have a zero box.
        assert gt.bboxes.tolist() == [
            [1, 1, 3, 3] if visible else [0, 0, 0, 0] for visible in gt.visible
        ]
        assert 'ignored_instances' not in sample


def test_box_of_no_extent_is_taken_from_the_mask(masks):
    bboxes = np.zeros((3, 4, 4))
    bboxes[:, 0] = [1, 1, 3, 3]
    samples = PackClipInputs().transform(make_clip(masks, bboxes))['data_samples']
    gt = samples.video_data_samples[1].gt_instances
    assert gt.bboxes.tolist() == [[1, 1, 3, 3], [4, 2, 8, 5], [0, 0, 0, 0]]


def test_crowds_go_to_ignored_instances(masks):
    clip = make_clip(masks, ignore=[True, True, False, False])
    for sample in PackClipInputs().transform(clip)['data_samples'].video_data_samples:
        assert sample.gt_instances.instances_id.tolist() == [20, 30]
        assert sample.ignored_instances.instances_id.tolist() == [0]
        assert sample.ignored_instances.masks.masks.sum() == 4


@pytest.mark.parametrize('N', [0, 2])
def test_clip_without_visible_instances(N):
    clip = make_clip(np.zeros((2, N, 6, 8), dtype=np.uint8))
    for sample in PackClipInputs().transform(clip)['data_samples'].video_data_samples:
        assert sample.gt_instances.bboxes.shape == (0, 4)
        assert sample.gt_instances.masks.masks.shape == (0, 6, 8)
        assert sample.gt_instances.visible.dtype == torch.bool


def test_clip_without_annotations(masks):
    clip = make_clip(masks)
    clip = {key: value for key, value in clip.items() if not key.startswith('gt_')}
    sample = PackClipInputs().transform(clip)['data_samples'].video_data_samples[0]
    assert 'gt_instances' not in sample


def test_floats_of_photometric_distortion_are_clipped(masks):
    clip = make_clip(masks)
    clip['img'] = [np.full((6, 8, 3), value, np.float32) for value in (-7, 1.6, 300)]
    inputs = PackClipInputs().transform(clip)['inputs']
    assert inputs.dtype == torch.uint8
    assert inputs[:, 0, 0, 0].tolist() == [0, 2, 255]


def test_frames_of_different_size_are_refused(masks):
    clip = make_clip(masks)
    clip['img'][1] = clip['img'][1][:4]
    with pytest.raises(ValueError, match='share_random_params=True'):
        PackClipInputs().transform(clip)


def test_masks_of_another_size_than_the_image_are_refused(masks):
    clip = make_clip(masks)
    clip['img'] = [img[:4] for img in clip['img']]
    message = r"Masks are \(6, 8\), images \(4, 8\).*default_scope = 'mmvis'"
    with pytest.raises(ValueError, match=message):
        PackClipInputs().transform(clip)


def test_meta_keys(masks):
    packed = PackClipInputs(meta_keys=('frame_id', 'gone')).transform(make_clip(masks))
    assert packed['data_samples'].video_data_samples[2].metainfo == dict(frame_id=2)
