import pytest
from mmengine.runner import Runner

from mmvis.datasets.samplers import VideoChunkSampler, video_chunk_sampler
from mmvis.testing import make_tiny_vis


class Lengths:
    """The part of a data set that the sampler reads."""

    def __init__(self, *video_lens):
        self.video_lens = video_lens

    def __len__(self):
        return len(self.video_lens)

    def get_data_info(self, idx):
        return dict(video_len=self.video_lens[idx])


def test_chunks_in_order():
    sampler = VideoChunkSampler(Lengths(5, 1, 4), chunk_len=2)
    assert list(sampler) == [
        (0, [0, 1]),
        (0, [2, 3]),
        (0, [4]),
        (1, [0]),
        (2, [0, 1]),
        (2, [2, 3]),
    ]
    assert len(sampler) == 6


@pytest.mark.parametrize(
    ('video_len', 'frame_stride', 'expected'),
    [
        (7, 3, [0, 3, 6]),
        (8, 3, [0, 3, 6, 7]),
        (1, 3, [0]),
        (2, 9, [0, 1]),
        (4, 1, [0, 1, 2, 3]),
    ],
)
def test_frame_stride_keeps_the_last_frame(video_len, frame_stride, expected):
    sampler = VideoChunkSampler(Lengths(video_len), 100, frame_stride)
    assert list(sampler) == [(0, expected)]


def test_length_counts_seen_frames():
    assert len(VideoChunkSampler(Lengths(6), 2)) == 3
    sampler = VideoChunkSampler(Lengths(6), 2, frame_stride=2)
    assert list(sampler) == [(0, [0, 2]), (0, [4, 5])]
    assert len(sampler) == 2


@pytest.mark.parametrize('world_size', [1, 2, 3, 5])
def test_ranks_share_whole_videos_evenly(monkeypatch, world_size):
    lengths = [36, 5, 20, 7, 7, 30, 12, 11]
    videos, loads = [], []
    for rank in range(world_size):
        monkeypatch.setattr(
            video_chunk_sampler, 'get_dist_info', lambda r=rank: (r, world_size)
        )
        chunks = list(VideoChunkSampler(Lengths(*lengths), chunk_len=4))
        own = list(dict.fromkeys(i for i, _ in chunks))
        assert own == sorted(own)
        for i in own:
            frames = [f for j, inds in chunks if j == i for f in inds]
            assert frames == list(range(lengths[i]))
        videos += own
        loads.append(sum(lengths[i] for i in own))
    assert sorted(videos) == list(range(8))
    assert max(loads) <= 1.34 * sum(lengths) / world_size + 36 * (world_size == 5)


def test_more_ranks_than_videos(monkeypatch):
    monkeypatch.setattr(video_chunk_sampler, 'get_dist_info', lambda: (1, 2))
    sampler = VideoChunkSampler(Lengths(5))
    assert list(sampler) == []
    assert len(sampler) == 0


@pytest.mark.parametrize('options', [dict(chunk_len=0), dict(frame_stride=0)])
def test_bad_options(options):
    with pytest.raises(ValueError, match='must be at least 1, got'):
        VideoChunkSampler(Lengths(3), **options)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_loader_of_the_runner(tmp_path, mmvis_scope, num_workers):
    """Chunks arrive in order, however many workers decode them."""
    make_tiny_vis(tmp_path, num_videos=3, video_len=[5, 2, 3], annotated=False)
    loader = Runner.build_dataloader(
        dict(
            batch_size=1,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            sampler=dict(type='VideoChunkSampler', chunk_len=2),
            dataset=dict(
                type='YouTubeVISDataset',
                data_root=str(tmp_path),
                ann_file='train.json',
                data_prefix=dict(img='JPEGImages'),
                test_mode=True,
                pipeline=[
                    dict(type='SampleAllFrames'),
                    dict(
                        type='TransformBroadcaster',
                        transforms=[dict(type='LoadFrameFromFile')],
                    ),
                    dict(type='PackClipInputs'),
                ],
            ),
        ),
        seed=0,
    )
    for _ in range(2):  # the second pass reuses the workers
        seen = []
        for batch in loader:
            (inputs,) = batch['inputs']
            (sample,) = batch['data_samples']
            assert len(inputs) == len(sample.video_data_samples)
            seen += [(f.video_id, f.frame_id) for f in sample.video_data_samples]
        assert seen == [(v, i) for v, n in [(1, 5), (2, 2), (3, 3)] for i in range(n)]
    assert len(loader) == 6


def test_number_of_frames_is_that_of_the_chunks():
    sampler = VideoChunkSampler(Lengths(8, 1, 7), chunk_len=2, frame_stride=3)
    assert sampler.num_frames == sum(len(frames) for _, frames in sampler) == 8
