from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from mmvis.engine.hooks import ValidationImagesHook

GREY = 90


class Pictures(dict):
    """The part of a visualizer that the hook calls."""

    def add_image(self, name, image, step):
        self[name, step] = image


@pytest.fixture
def runner(tmp_path):
    """Validation of three videos of two grey frames."""
    path = str(tmp_path / 'frame.png')
    cv2.imwrite(path, np.full((60, 80, 3), GREY, dtype=np.uint8))
    dataset = SimpleNamespace(
        get_data_info=lambda idx: dict(video_id=10 + idx, img_paths=[path, path]),
        backend_args=None,
        metainfo=dict(classes=('square',)),
    )
    sampler = SimpleNamespace(video_lens={0: 2, 1: 2, 2: 2})
    loader = SimpleNamespace(dataset=dataset, sampler=sampler)
    loop = SimpleNamespace(dataloader=loader)
    return SimpleNamespace(val_loop=loop, visualizer=Pictures(), iter=7)


def track(video_id, score):
    mask = np.zeros((60, 80), dtype=np.uint8, order='F')
    mask[10:50, 20:60] = 1
    sample = TrackDataSample(metainfo=dict(video_id=video_id))
    sample.pred_track_instances = InstanceData(
        instances_id=np.array([0]),
        scores=np.array([score]),
        labels=np.array([0]),
        masks=[[mask_utils.encode(mask)] * 2],
    )
    return sample


def test_first_videos_are_drawn_with_their_tracks(runner):
    hook = ValidationImagesHook(num_videos=2)
    hook.before_val_epoch(runner)
    unfinished = TrackDataSample(metainfo=dict(video_id=10))
    samples = [unfinished, track(10, 0.9), track(11, 0.2), track(12, 0.9)]
    hook.after_val_iter(runner, 0, outputs=samples)

    assert set(runner.visualizer) == {
        ('validation_video_10', 7),
        ('validation_video_11', 7),
    }
    drawn = runner.visualizer['validation_video_10', 7]
    without = runner.visualizer['validation_video_11', 7]  # its score is too low
    assert drawn.shape == without.shape
    inside = slice(120, 180), slice(160, 220)
    assert np.abs(without[inside].astype(int) - GREY).max() <= 1
    assert np.abs(drawn[inside].astype(int) - GREY).mean() > 5
