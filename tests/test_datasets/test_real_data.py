"""Real pixels, where they lie beside the checkout."""

from pathlib import Path

import numpy as np
import pytest

from mmvis.datasets import YouTubeVISDataset
from mmvis.datasets.segmentation import mask_bbox

DAVIS_MIX = Path(__file__).parents[3] / 'shared' / 'data' / 'davis_mix'
pytestmark = pytest.mark.skipif(
    not DAVIS_MIX.exists(), reason='needs shared/data/davis_mix beside the checkout'
)


@pytest.mark.parametrize(
    ('split', 'num_videos', 'num_tracks'), [('train', 90, 277), ('valid', 24, 70)]
)
def test_davis_mix(mmvis_scope, split, num_videos, num_tracks):
    pipeline = [
        dict(type='SampleAllFrames'),
        dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
        dict(type='LoadClipAnnotations'),
        dict(type='PackClipInputs'),
    ]
    dataset = YouTubeVISDataset(
        f'{split}.json',
        data_root=str(DAVIS_MIX),
        data_prefix=dict(img='JPEGImages'),
        pipeline=pipeline,
    )
    assert len(dataset) == num_videos
    records = [dataset.get_data_info(i) for i in range(num_videos)]
    assert sum(len(record['instances']) for record in records) == num_tracks
    assert dataset.metainfo['classes'] == ('animal', 'vehicle', 'person', 'rider')
    for i in range(0, num_videos, 8):
        clip = dataset[i]
        assert clip['inputs'].shape == (records[i]['video_len'], 3, 180, 320)
        for frame in clip['data_samples'].video_data_samples:
            gt = frame.gt_instances
            tight = np.array([mask_bbox(mask) for mask in gt.masks.masks])
            np.testing.assert_allclose(gt.bboxes, tight.reshape(-1, 4), atol=1.01)
