from pathlib import Path

import pytest
import torch

from mmvis.datasets import ConcatDataset, MixedClipDataset
from mmvis.datasets.samplers import SeededInfiniteSampler
from mmvis.testing import make_tiny_vis


@pytest.fixture
def configs(tmp_path, mmvis_scope):
    """Two data sets, of three videos and of two."""
    pipeline = [
        dict(type='SampleReferenceClip', clip_len=2),
        dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
        dict(type='LoadClipAnnotations'),
        dict(type='PackClipInputs'),
    ]
    cfgs = []
    for name, num_videos in (('a', 3), ('b', 2)):
        make_tiny_vis(tmp_path / name, num_videos=num_videos, size=(16, 24))
        cfgs.append(
            dict(
                type='YouTubeVISDataset',
                data_root=str(tmp_path / name),
                ann_file='train.json',
                data_prefix=dict(img='JPEGImages/'),
                pipeline=pipeline,
            )
        )
    return cfgs


def path_of(sample):
    return sample['data_samples'][0].img_path


def test_a_pass_holds_as_many_samples_of_each(configs, tmp_path):
    dataset = MixedClipDataset(configs)
    assert len(dataset) == 6
    found = [
        (
            'a' if str(tmp_path / 'a') in record['img_paths'][0] else 'b',
            record['video_id'],
        )
        for record in map(dataset.get_data_info, range(6))
    ]
    assert found == [('a', 1), ('b', 1), ('a', 2), ('b', 2), ('a', 3), ('b', 1)]
    for i in range(6):
        assert path_of(dataset[i]).startswith(str(tmp_path / found[i][0]))


def names_of(dataset, num_samples):
    paths = [Path(dataset.get_data_info(i)['img_paths'][0]) for i in range(num_samples)]
    return [
        path.parents[2].name + path.parent.name.removeprefix('video') for path in paths
    ]


def test_ratios_are_samples_of_a_round(configs):
    dataset = MixedClipDataset(configs, ratios=[2, 1])
    assert len(dataset) == 6
    assert names_of(dataset, 6) == ['a1', 'a2', 'b1', 'a3', 'a1', 'b2']
    dataset = MixedClipDataset(configs, ratios=[1, 3])
    assert len(dataset) == 12, 'the whole of a takes three rounds'
    assert names_of(dataset, 8) == ['a1', 'b1', 'b2', 'b1', 'a2', 'b2', 'b1', 'b2']


@pytest.mark.parametrize('ratios', [[1], [1, 2, 3], [1, 0], [0.5, 1]])
def test_wrong_ratios_are_refused(configs, ratios):
    with pytest.raises(ValueError, match=r'`ratios` .* 2 positive integers'):
        MixedClipDataset(configs, ratios=ratios)


def test_concatenated_data_sets_hold_each_sample_once(configs):
    dataset = ConcatDataset(configs)
    assert len(dataset) == 5
    assert names_of(dataset, 5) == ['a1', 'a2', 'a3', 'b1', 'b2']
    assert dataset.metainfo['classes'] == dataset.datasets[1].metainfo['classes']
    with pytest.raises(IndexError):
        dataset[5]


@pytest.mark.parametrize('joined', [MixedClipDataset, ConcatDataset])
def test_seeds_reach_the_data_sets(configs, joined):
    dataset = joined(configs)
    indices = iter(SeededInfiniteSampler(dataset, seed=3))
    for index in (next(indices) for _ in range(4)):
        first, torch_number = dataset[index], torch.rand(1)
        again = dataset[index]
        assert torch.equal(torch.rand(1), torch_number)
        assert torch.equal(first['inputs'], again['inputs'])


def test_other_classes_are_refused(configs, tmp_path):
    make_tiny_vis(tmp_path / 'c', classes=('car', 'bus'))
    configs.append(dict(configs[0], data_root=str(tmp_path / 'c')))
    with pytest.raises(ValueError, match=r"datasets\.2 has the classes .*'car', 'bus'"):
        MixedClipDataset(configs)
    with pytest.raises(ValueError, match='at least one data set, got none'):
        MixedClipDataset([])
