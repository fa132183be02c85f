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


DECODE_SCALE = (56, 40)
RESIZE = dict(
    type='RandomResize',
    scale=(50, 36),
    ratio_range=(0.9, 1.1),
    resize_type='Resize',
    keep_ratio=True,
    backend='torch',
)
LOAD_REDUCED = [
    dict(
        type='TransformBroadcaster',
        transforms=[dict(type='LoadFrameFromFile', decode_scale=DECODE_SCALE)],
    ),
    dict(type='LoadClipAnnotations'),
]


def pack_both(path, sampler, steps):
    """Pack one clip with frames that are decoded whole, and at a reduced size."""
    packed = []
    for loading in (LOAD, LOAD_REDUCED):
        dataset = load(path, [sampler, *loading, *steps, *PACK])
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002 - the global state that MMCV draws from
        packed.append(dataset[0])
    return packed


@pytest.mark.parametrize('is_pseudo', [False, True])
def test_decoding_at_a_reduced_size_changes_only_pixels(
    tmp_path, mmvis_scope, is_pseudo
):
    path = make_tiny_vis(tmp_path, num_videos=1, size=(162, 226), num_instances=3)
    sampler = dict(type='SampleReferenceClip', clip_len=1 if is_pseudo else 3)
    pseudo = [dict(type='MakePseudoClip', clip_len=3)] if is_pseudo else []
    steps = [*pseudo, *broadcast([RESIZE, dict(type='RandomFlip', prob=1.0)])]
    whole, reduced = pack_both(path, sampler, steps)
    assert whole['inputs'].shape == reduced['inputs'].shape
    # Half pixels at the edges of the objects; the rest agrees.
    difference = (whole['inputs'].float() - reduced['inputs'].float()).abs()
    assert 0 < difference.mean() < 4
    frames = zip(
        whole['data_samples'].video_data_samples,
        reduced['data_samples'].video_data_samples,
        strict=True,
    )
    for frame, other in frames:
        assert frame.metainfo == other.metainfo
        assert frame.ori_shape == (162, 226)
        gt, other_gt = frame.gt_instances, other.gt_instances
        assert len(gt) > 0
        np.testing.assert_array_equal(gt.masks.masks, other_gt.masks.masks)
        for key in ('bboxes', 'labels', 'instances_id', 'visible'):
            assert torch.equal(gt[key], other_gt[key])


def test_crop_of_frames_at_a_reduced_size_is_refused(tmp_path, mmvis_scope):
    path = make_tiny_vis(tmp_path, num_videos=1, size=(162, 226))
    sampler = dict(type='SampleAllFrames')
    crop = dict(type='RandomClipCrop', min_size=20, max_size=30)
    with pytest.raises(ValueError, match=r'RandomClipCrop got frames .* reduced size'):
        load(path, [sampler, *LOAD_REDUCED, crop, *PACK])[0]
    # Behind Resize frames are what they would be.
    pipeline = [sampler, *LOAD_REDUCED, *broadcast([RESIZE]), crop, *PACK]
    assert max(load(path, pipeline)[0]['inputs'].shape[2:]) <= 30


def test_flip_of_frames_at_a_reduced_size_is_refused(tmp_path, mmvis_scope):
    """It would move boxes by the width of the smaller frame."""
    path = make_tiny_vis(tmp_path, num_videos=1, size=(162, 226))
    steps = broadcast([dict(type='RandomFlip', prob=1.0), RESIZE])
    pipeline = [dict(type='SampleAllFrames'), *LOAD_REDUCED, *steps, *PACK]
    with pytest.raises(ValueError, match='between LoadFrameFromFile and Resize moved'):
        load(path, pipeline)[0]


def test_frames_at_a_reduced_size_must_be_resized(tmp_path, mmvis_scope):
    path = make_tiny_vis(tmp_path, num_videos=1, size=(162, 226))
    pipeline = [dict(type='SampleAllFrames'), *LOAD_REDUCED, *PACK]
    with pytest.raises(ValueError, match=r'PackClipInputs got frames .* reduced size'):
        load(path, pipeline)[0]
    pipeline[-1:] = [*broadcast([dict(RESIZE, resize_type='mmdet.Resize')]), *PACK]
    pipeline[-2]['transforms'][0].pop('backend')
    with pytest.raises(ValueError, match=r'PackClipInputs got frames .* reduced size'):
        load(path, pipeline)[0]
