"""Whole pipelines, with MMDetection's transforms, on files."""

import random

import numpy as np
import pytest
import torch

from mmvis.datasets import YouTubeVISDataset
from mmvis.testing import make_tiny_vis

LOAD = [
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
]
PACK = [dict(type='PackClipInputs')]
GEOMETRY = {
    'choice resize': [
        dict(
            type='RandomChoiceResize',
            scales=[(400, 60), (400, 80), (400, 112)],
            resize_type='Resize',
            keep_ratio=True,
            backend='pillow',
        )
    ],
    'range resize': [
        dict(
            type='RandomResize',
            scale=[(192, 60), (288, 120)],
            resize_type='Resize',
            keep_ratio=True,
        )
    ],
    'flip': [dict(type='RandomFlip', prob=0.5)],
    'all': [
        dict(
            type='RandomChoiceResize',
            scales=[(400, 60), (400, 80), (400, 112)],
            resize_type='Resize',
            keep_ratio=True,
        ),
        dict(type='RandomFlip', prob=[0.4, 0.3], direction=['horizontal', 'vertical']),
    ],
}


def broadcast(transforms, share=True):
    return [
        dict(
            type='TransformBroadcaster',
            share_random_params=share,
            transforms=transforms,
        )
    ]


def load(path, pipeline):
    return YouTubeVISDataset(
        path.name,
        data_root=str(path.parent),
        data_prefix=dict(img='JPEGImages'),
        pipeline=pipeline,
    )


@pytest.fixture
def still(tmp_path):
    """A video whose four frames are one and the same image."""
    path = make_tiny_vis(tmp_path, num_videos=1, size=(96, 128), num_instances=3)
    frames = sorted((tmp_path / 'JPEGImages' / 'video1').iterdir())
    for frame in frames[1:]:
        frame.write_bytes(frames[0].read_bytes())
    return path


def freeze(record):
    """Give all frames of a record the first frame's annotation."""
    for instance in record['instances']:
        for key in ('segmentations', 'bboxes', 'areas'):
            instance[key] = [instance[key][0]] * record['video_len']
    return record


@pytest.mark.parametrize('crop', [False, True])
@pytest.mark.parametrize('geometry', GEOMETRY)
def test_geometry_is_the_same_for_all_frames(
    still, mmvis_scope, seeded, geometry, crop
):
    """Equal frames stay equal in pixels, masks, boxes and ids."""
    crops = [dict(type='RandomClipCrop', min_size=40, max_size=60)] if crop else []
    pipeline = [
        freeze,
        dict(type='SampleReferenceClip', clip_len=4),
        *LOAD,
        *crops,
        *broadcast(GEOMETRY[geometry]),
        *PACK,
    ]
    dataset = load(still, pipeline)
    outcomes = set()
    for _ in range(12):
        packed = dataset[0]
        inputs = packed['inputs']
        samples = packed['data_samples'].video_data_samples
        reference = samples[0].gt_instances
        assert len(reference) > 0
        for t in range(1, 4):
            gt = samples[t].gt_instances
            assert torch.equal(inputs[t], inputs[0])
            np.testing.assert_array_equal(gt.masks.masks, reference.masks.masks)
            assert torch.equal(gt.bboxes, reference.bboxes)
            assert torch.equal(gt.labels, reference.labels)
            assert torch.equal(gt.instances_id, reference.instances_id)
            assert torch.equal(gt.visible, reference.visible)
        outcomes.add(inputs.numpy().tobytes())
    assert len(outcomes) > 1, 'but differs between clips'


@pytest.mark.parametrize('geometry', GEOMETRY)
def test_masks_boxes_and_pixels_move_together(tmp_path, mmvis_scope, seeded, geometry):
    """Objects are brighter than the background, before and after."""
    path = make_tiny_vis(
        tmp_path, num_videos=1, size=(96, 128), num_instances=1, absent=[2]
    )
    pipeline = [
        dict(type='SampleAllFrames'),
        *LOAD,
        *broadcast(GEOMETRY[geometry]),
        *PACK,
    ]
    dataset = load(path, pipeline)
    for _ in range(8):
        packed = dataset[0]
        samples = packed['data_samples'].video_data_samples
        assert [s.gt_instances.visible.item() for s in samples] == [1, 1, 0, 1]
        for t in (0, 1, 3):
            gt = samples[t].gt_instances
            mask = gt.masks.masks[0].astype(bool)
            brightness = packed['inputs'][t].float().mean(dim=0).numpy()
            is_bright = brightness > 100
            iou = (mask & is_bright).sum() / (mask | is_bright).sum()
            assert iou > 0.85
            x1, y1, x2, y2 = gt.bboxes[0].round().int().tolist()
            box = np.zeros_like(mask)
            box[y1:y2, x1:x2] = True
            assert (mask & box).sum() / (mask | box).sum() > 0.85


@pytest.mark.parametrize('share', [True, False])
def test_photometric_distortion_by_clip_or_by_frame(still, mmvis_scope, seeded, share):
    distort = broadcast([dict(type='PhotoMetricDistortion')], share)
    dataset = load(still, [dict(type='SampleAllFrames'), *LOAD, *distort, *PACK])
    inputs = torch.stack([dataset[0]['inputs'] for _ in range(6)])  # (6, T, 3, H, W)
    is_same = (inputs == inputs[:, :1]).all()
    assert bool(is_same) is share
    assert not torch.equal(inputs[0], inputs[1])


def test_same_seed_same_clip(still, mmvis_scope):
    pipeline = [
        dict(type='SampleReferenceClip', clip_len=3),
        *LOAD,
        dict(type='RandomClipCrop', min_size=40, max_size=60),
        *broadcast([*GEOMETRY['all'], dict(type='PhotoMetricDistortion')]),
        *PACK,
    ]
    dataset = load(still, pipeline)
    clips = []
    for _ in range(2):
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002 - the global state that MMCV draws from
        clips.append(dataset[0]['inputs'])
    assert torch.equal(*clips)


def test_only_sampled_frames_are_decoded(still, mmvis_scope):
    """A broken frame does not matter to clips without it."""
    path = still.parent / 'JPEGImages' / 'video1' / '00010.jpg'
    path.write_bytes(path.read_bytes()[:50])
    dataset = load(still, [dict(type='SampleAllFrames'), *LOAD, *PACK])
    frames = dataset[(0, [0, 1, 3])]['data_samples'].video_data_samples
    assert [frame.frame_id for frame in frames] == [0, 1, 3]
    with pytest.raises(ValueError, match=r'00010\.jpg: the image is corrupted'):
        dataset[(0, [2])]
