import pytest
import torch

from mmvis.datasets import MixedClipDataset
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


def test_seeds_reach_the_data_sets(configs):
    dataset = MixedClipDataset(configs)
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
