import random
from collections import Counter

import pytest

from mmvis.datasets.transforms import (
    SampleAllFrames,
    SampleConsecutiveClip,
    SampleKeyFrameClip,
    SampleReferenceClip,
    SampleUniformClip,
)

MASK = dict(size=[4, 6], counts=b'0')


def make_record(video_len, seen_frames=None):
    """A video with two instances, the second seen in some frames only."""
    seen = set(range(video_len) if seen_frames is None else seen_frames)
    first = [None] * video_len
    second = [MASK if i in seen else None for i in range(video_len)]
    return dict(
        video_id=7,
        video_len=video_len,
        height=4,
        width=6,
        img_paths=[f'{i}.jpg' for i in range(video_len)],
        instances=[
            dict(
                instance_id=n,
                bbox_label=n,
                ignore_flag=0,
                segmentations=masks,
                bboxes=[m and [1, 2, 3, 1] for m in masks],
                areas=[m and 3 for m in masks],
            )
            for n, masks in enumerate([first, second])
        ],
    )


def draw(sampler, video_len, times=300, **kwargs):
    record = make_record(video_len, **kwargs)
    return [sampler.transform(record)['frame_id'] for _ in range(times)]


ALL_STRATEGIES = [
    SampleReferenceClip(5),
    SampleReferenceClip(5, frame_range=2, shuffle=True),
    SampleConsecutiveClip(5),
    SampleConsecutiveClip(5, frame_stride=3),
    SampleConsecutiveClip(5, wrap=False),
    SampleConsecutiveClip(5, frame_stride=3, wrap=False),
    SampleUniformClip(5),
    SampleKeyFrameClip(5),
    SampleKeyFrameClip(5, sort=True),
]


@pytest.mark.parametrize('sampler', ALL_STRATEGIES, ids=repr)
@pytest.mark.parametrize('video_len', [1, 2, 4, 5, 6, 40])
def test_every_strategy_gives_t_frames_of_any_video(seeded, sampler, video_len):
    clips = draw(sampler, video_len, times=50)
    assert {len(clip) for clip in clips} == {5}
    assert all(0 <= i < video_len for clip in clips for i in clip)


@pytest.mark.parametrize('sampler', ALL_STRATEGIES, ids=repr)
def test_every_strategy_reaches_every_frame(seeded, sampler):
    assert {i for clip in draw(sampler, 17) for i in clip} == set(range(17))


def test_the_clip_is_a_dict_of_lists():
    record = make_record(4, seen_frames=[2])
    clip = SampleAllFrames().transform({**record, 'frame_inds': [2, 0]})
    assert clip['img_path'] == ['2.jpg', '0.jpg']
    assert clip['frame_id'] == [2, 0]
    assert clip['video_id'] == [7, 7]
    assert clip['video_len'] == [4, 4]
    assert clip['height'] == [4, 4]
    assert clip['width'] == [6, 6]
    # Both instances stay in order, ids 0 and 1.
    assert [[i['instance_id'] for i in frame] for frame in clip['instances']] == [
        [0, 1],
        [0, 1],
    ]
    assert clip['instances'][0][1]['mask'] == MASK
    assert clip['instances'][0][1]['bbox'] == [1, 2, 4, 3]
    assert clip['instances'][1][1]['mask'] is None
    assert clip['instances'][1][1]['bbox'] is None


def test_all_frames():
    assert SampleAllFrames().transform(make_record(3))['frame_id'] == [0, 1, 2]


@pytest.mark.parametrize('sampler', ALL_STRATEGIES, ids=repr)
def test_named_frames_are_taken(sampler):
    record = {**make_record(9), 'frame_inds': [3, 1, 8]}
    assert sampler.transform(record)['frame_id'] == [3, 1, 8]


def test_reference_clip_stays_in_range_and_order(seeded):
    clips = draw(SampleReferenceClip(4, frame_range=3), 30)
    assert all(clip == sorted(clip) for clip in clips)
    # One frame is within reach of all others, and that one occurs once.
    for clip in clips:
        assert any(
            clip.count(ref) == 1 and all(abs(i - ref) <= 3 for i in clip)
            for ref in clip
        )
    assert max(clip[-1] - clip[0] for clip in clips) == 6
    assert any(len(set(clip)) < 4 for clip in clips), 'drawn with replacement'


def test_reference_clip_shuffles(seeded):
    clips = draw(SampleReferenceClip(4, shuffle=True), 30)
    assert sum(clip != sorted(clip) for clip in clips) > 200


def test_reference_clip_of_two_is_uniform(seeded):
    counts = Counter(
        tuple(c) for c in draw(SampleReferenceClip(2, frame_range=9), 3, times=3000)
    )
    assert set(counts) == {(0, 1), (0, 2), (1, 2)}
    assert all(800 < count < 1200 for count in counts.values())


def test_consecutive_clip_wraps_around(seeded):
    clips = {tuple(clip) for clip in draw(SampleConsecutiveClip(3), 4)}
    assert clips == {(0, 1, 2), (1, 2, 3), (2, 3, 0), (3, 0, 1)}
    # VisTR's loader: a video shorter than the clip is repeated cyclically.
    clips = {tuple(clip) for clip in draw(SampleConsecutiveClip(5), 2)}
    assert clips == {(0, 1, 0, 1, 0), (1, 0, 1, 0, 1)}


def test_consecutive_clip_without_wrapping(seeded):
    clips = {tuple(c) for c in draw(SampleConsecutiveClip(3, wrap=False), 4)}
    assert clips == {(0, 1, 2), (1, 2, 3)}
    sampler = SampleConsecutiveClip(3, frame_stride=2, wrap=False)
    assert {tuple(c) for c in draw(sampler, 6)} == {(0, 2, 4), (1, 3, 5)}
    assert {tuple(c) for c in draw(sampler, 4)} == {(0, 2, 3)}


def test_consecutive_clip_with_frame_stride_wraps_around(seeded):
    clips = {tuple(c) for c in draw(SampleConsecutiveClip(3, frame_stride=2), 5)}
    assert clips == {(0, 2, 4), (1, 3, 0), (2, 4, 1), (3, 0, 2), (4, 1, 3)}


def test_uniform_clip_takes_one_frame_of_each_part(seeded):
    for clip in draw(SampleUniformClip(4), 12):
        assert [i // 3 for i in clip] == [0, 1, 2, 3]
    assert {tuple(c) for c in draw(SampleUniformClip(4), 2)} == {(0, 0, 1, 1)}


def test_key_frame_clip_takes_annotated_frames_once(seeded):
    clips = draw(SampleKeyFrameClip(3), 30, seen_frames=[2, 9, 11, 25])
    assert {i for clip in clips for i in clip} == {2, 9, 11, 25}
    assert all(len(set(clip)) == 3 for clip in clips)
    assert len({tuple(clip) for clip in clips}) == 24, 'every order of every three'
    clips = draw(SampleKeyFrameClip(3, sort=True), 30, seen_frames=[2, 9, 11, 25])
    assert all(clip == sorted(clip) for clip in clips)


@pytest.mark.parametrize('seen_frames', [[], [4], [4, 6]])
def test_key_frame_clip_with_few_annotated_frames(seeded, seen_frames):
    for clip in draw(SampleKeyFrameClip(3), 30, times=20, seen_frames=seen_frames):
        if seen_frames:
            assert set(clip) == set(seen_frames)
        else:
            assert len(set(clip)) == 3


def test_key_frame_clip_of_a_video_without_instances(seeded):
    record = {**make_record(6), 'instances': []}
    assert len(set(SampleKeyFrameClip(3).transform(record)['frame_id'])) == 3


def test_randomness_follows_the_seed():
    random.seed(3)
    first = draw(SampleReferenceClip(5), 40, times=5)
    random.seed(3)
    assert draw(SampleReferenceClip(5), 40, times=5) == first


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda: SampleUniformClip(0), '`clip_len` must be at least 1, got 0'),
        (lambda: SampleReferenceClip(3, frame_range=0), '`frame_range` must be'),
        (lambda: SampleConsecutiveClip(3, frame_stride=0), '`frame_stride` must be'),
    ],
)
def test_bad_options(build, message):
    with pytest.raises(ValueError, match=message):
        build()
