"""Every published number of a training or test recipe, read from what is built.

Sources: golden/{ifc,vistr,tevit}/notes.md, which quote the original configs; for the
trainings on COCO before TeViT, the configs of QueryInst named in the schedules. A later
pattern overrules an earlier one.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
METHODS = ('ifc_', 'vistr_', 'tevit_', 'queryinst_')
OURS = (
    '_small_',
    '_custom',
    '_lite0_photos',
    'ifc_swin-t_messenger',
)  # nothing about them is published
PUBLISHED = sorted(
    path.stem
    for path in CONFIGS.glob('*.py')
    if path.stem.startswith(METHODS) and not any(name in path.stem for name in OURS)
)
TESTED = [name for name in PUBLISHED if not name.endswith('_coco')]

OPTIMIZERS = {
    '*': dict(
        optimizer='AdamW',
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=[1e-4],  # of norms and biases, too
        clip_norm_type=2.0,
    ),
    # ifc/notes.md, 4
    'ifc_*': dict(lr=1e-4, backbone_lr=[1e-5], clip_norm=0.01),
    # vistr/notes.md, 5
    'vistr_*': dict(lr=1e-4, backbone_lr=[1e-5], clip_norm=0.1),
    # tevit/notes.md, 6
    'tevit_*': dict(lr=2.5e-4, backbone_lr=[2.5e-5], clip_norm=0.1),
    # Position tables of the backbone at the full rate; norms of heads do not decay.
    'tevit_swin-l*': dict(backbone_lr=[2.5e-5, 2.5e-4], weight_decay=[0.0, 1e-4]),
    'queryinst_*': dict(lr=1e-4, backbone_lr=[1e-5], clip_norm=0.1),
    'queryinst_swin-l*': dict(
        lr=2.5e-5, backbone_lr=[2.5e-5], clip_norm=1.0, weight_decay=[0.0, 1e-4]
    ),
}

COCO_EPOCH = 117266 / 16  # images with annotations, in updates of 16
SCHEDULES = {
    '*': dict(gamma=0.1, by_epoch=False, warm_up=[], once_per='video'),
    # ifc/notes.md, 4
    'ifc_*': dict(
        max_iters=6000, milestones=[4000], clips_per_update=16, clips_per_process=2
    ),
    'ifc_*_coco': dict(clips_per_update=32, clips_per_process=4),
    'ifc_r50_coco': dict(max_iters=1_108_800, milestones=[739_200]),
    'ifc_r101_coco': dict(max_iters=1_848_000, milestones=[1_232_000]),
    # vistr/notes.md, 5: 18 epochs, 12 before the step, of 61,845 frames (rounded)
    'vistr_*': dict(
        max_iters=round(18 * 61_845 / 8, -2),
        milestones=[round(12 * 61_845 / 8, -2)],
        clips_per_update=8,
        clips_per_process=1,
        once_per='frame',
    ),
    # As many updates, each of eight iterations.
    'vistr_r50_24g': dict(max_iters=8 * 139_200, milestones=[8 * 92_800]),
    # tevit/notes.md, 6 and 5
    'tevit_*': dict(
        max_iters=9200,
        milestones=[6100, 8500],
        warm_up=[(0.001, 770)],
        clips_per_update=16,
        clips_per_process=2,
        once_per='annotated_frame',
    ),
    # 36 epochs, steps after 27 and 33
    'queryinst_*': dict(
        max_iters=36 * round(COCO_EPOCH + 0.5),
        milestones=[27 * round(COCO_EPOCH + 0.5), 33 * round(COCO_EPOCH + 0.5)],
        warm_up=[(0.001, 1000)],
        clips_per_update=16,
        clips_per_process=2,
    ),
    # 50 epochs, step after 40
    'queryinst_swin-l*': dict(
        max_iters=50 * round(COCO_EPOCH + 0.5),
        milestones=[40 * round(COCO_EPOCH + 0.5)],
    ),
}


def sides(start, stop):
    """Short sides in steps of 32 pixels, both ends included."""
    return [*range(start, stop + 1, 32)]


FLIP = 'clip: flip horizontal 0.5'
VISTR_STEPS = [
    '36 consecutive frames, stride 1, wrapped',
    FLIP,
    f'clip: resize, short one of {sides(480, 768)}, long <= 800, pillow',
    'clip: resize, short one of [400, 500, 600], long any, pillow',
    'crop, sides 384 to 600',
    'frame: resize, short <= 300, long <= 540, pillow',
    # Drawn for each frame; after the resizes, see wrapped_clips.py.
    'frame: colours, brightness 32, contrast 0.5 to 1.5, saturation 0.5 to 1.5, hue 18',
]
COCO_SIDES = f'clip: resize, short one of {sides(480, 800)}, long <= 1333'
TRAIN_STEPS = {
    # ifc/notes.md, 4
    'ifc_*': [
        '5 frames within 20 of a reference, in order',
        'clip: resize, short one of [360, 480], long <= 1333, pillow',
        FLIP,
    ],
    'ifc_*_coco': ['crop, sides 384 to 600', f'{COCO_SIDES}, pillow', FLIP],
    # vistr/notes.md, 5
    'vistr_*': VISTR_STEPS,
    'vistr_r101*': [
        line.replace('300', '280').replace('540', '504') for line in VISTR_STEPS
    ],
    # tevit/notes.md, 5: "range", or "value" mode
    'tevit_*': [
        '5 frames of any time, unordered',
        'clip: resize, short 360 to 480, long 640 to 960',
        FLIP,
    ],
    'tevit_*_mst': [
        '5 frames of any time, unordered',
        'clip: resize to one of [(640, 360), (960, 480)]',
        FLIP,
    ],
    'tevit_swin-l*': [
        '5 frames of any time, unordered',
        f'clip: resize, short one of {sides(320, 800)}, long <= 1333, cv2',
        FLIP,
    ],
    'queryinst_*': [f'{COCO_SIDES}, cv2', FLIP],
    'queryinst_swin-l*': [
        FLIP,
        '0.5 of the clips: clip: resize, short 400 to 1200, long 1333 to 1333',
        '0.5 of the clips: clip: resize, short one of [400, 500, 600], '
        'long <= 1333, cv2',
        '0.5 of the clips: crop, sides 384 to 600',
        '0.5 of the clips: clip: resize, short 400 to 1200, long 1333 to 1333',
    ],
}
TEST_STEPS = {
    'ifc_*': ['frame: resize, short <= 360, long <= 1333, pillow'],
    'vistr_*': ['frame: resize, short <= 300, long any, pillow'],  # R101, too
    'tevit_*': ['frame: resize, short <= 360, long <= 640, cv2'],
    'tevit_swin-l*': ['frame: resize, short <= 480, long <= 1333, cv2'],
}

# Clips at test: ifc/notes.md, 5; vistr/notes.md, 6; tevit/notes.md, 7.
CLIPS = {
    # A video is read at its full frame rate.
    '*': dict(frame_stride=1),
    'ifc_*': dict(
        clip_len=5, clip_stride=1, score_thr=0.01, multi_class=True, merger='IFC'
    ),
    'ifc_*_t36': dict(clip_len=36),
    # One clip of at most 36 frames; one class a track. Cutting longer videos is ours.
    'vistr_*': dict(
        clip_len=36, clip_stride=18, score_thr=0.01, multi_class=False, merger='IFC'
    ),
    # The whole video; no threshold.
    'tevit_*': dict(
        clip_len=None, clip_stride=None, score_thr=0.0, multi_class=True, merger='Track'
    ),
    # Not published: the same weights near-online.
    'tevit_msgshift_near_online': dict(clip_len=5, clip_stride=3, score_thr=0.01),
}

DATA = {
    '*': ('2019', 40),
    '*_ytvis2021': ('2021', 40),
    '*_ytvis2022': ('2022', 40),
    '*_ovis': ('ovis', 25),
    '*_coco': (None, 80),
}


def test_every_method_states_its_numbers():
    """In these tables, or in a file of its own."""
    stated_in = dict(eomt='test_videomt.py', videomt='test_videomt.py')
    methods = {path.stem.partition('_')[0] for path in CONFIGS.glob('*.py')}
    for method in methods - {name.rstrip('_') for name in METHODS}:
        assert (Path(__file__).parent / stated_in[method]).is_file()


@pytest.mark.parametrize('name', PUBLISHED)
def test_optimizer(built, look_up, optimizer_numbers, name):
    assert optimizer_numbers(built(name)) == look_up(OPTIMIZERS, name)


@pytest.mark.parametrize('name', PUBLISHED)
def test_schedule(built, look_up, schedule_numbers, name):
    assert schedule_numbers(built(name)) == look_up(SCHEDULES, name)


@pytest.mark.parametrize('name', PUBLISHED)
def test_training_frames(built, look_up, name):
    assert built(name).train_steps == look_up(TRAIN_STEPS, name)


@pytest.mark.parametrize('name', TESTED)
def test_test_frames(built, look_up, name):
    assert built(name).test_steps == look_up(TEST_STEPS, name)


@pytest.mark.parametrize('name', TESTED)
def test_clips_at_test(built, look_up, name):
    test_cfg = built(name).test_cfg
    expected = look_up(CLIPS, name)
    merger = type(built(name).merger).__name__
    assert merger == f'{expected.pop("merger")}ClipMerger'
    assert {key: getattr(test_cfg, key) for key in expected} == expected


@pytest.mark.parametrize('name', [n for n in TESTED if 'ifc' in n])
def test_ifc_links_above_a_soft_iou_of_one_twentieth(built, name):
    """ifc/notes.md, 6."""
    assert built(name).merger.iou_thr == 0.05


@pytest.mark.parametrize('name', [n for n in TESTED if 'tevit' in n])
def test_tevit_keeps_ten_tracks(built, name):
    """tevit/notes.md, 7."""
    assert built(name).model.head.num_tracks == 10


@pytest.mark.parametrize('name', PUBLISHED)
def test_data_set_and_classes(built, look_up, name):
    cfg = built(name).cfg
    version, num_classes = look_up(DATA, name)
    assert built(name).model.head.num_classes == num_classes
    assert cfg.train_dataloader.dataset.get('dataset_version') == version
    if name in TESTED:
        assert cfg.test_dataloader.dataset.dataset_version == version


@pytest.mark.parametrize('name', PUBLISHED)
def test_empty_clips(built, name):
    """IFC keeps images without annotations, QueryInst and the video sets do not."""
    filter_cfg = built(name).cfg.train_dataloader.dataset.filter_cfg
    assert filter_cfg.filter_empty_gt == (not fnmatchcase(name, 'ifc_*_coco'))
