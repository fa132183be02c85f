import cv2
import numpy as np
import pycocotools.mask as mask_api
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.registry import VISUALIZERS
from mmvis.visualization.ground_truth import gt_tracks
from mmvis.visualization.strip import draw_strip
from mmvis.visualization.vis_visualizer import VISVisualizer

CLASSES = ('cat', 'dog')


@pytest.fixture
def clip():
    """Two frames, two instances; the second one is absent from the first frame."""
    masks = np.zeros((2, 2, 80, 120), np.uint8)  # (T, N, H, W)
    masks[:, 0, 5:20, 5:20] = 1
    masks[1, 1, 25:30, 30:50] = 1
    samples = []
    for frame_masks in masks:
        sample = DetDataSample()
        sample.gt_instances = InstanceData(
            labels=torch.tensor([1, 0]),
            instances_id=torch.tensor([11, 12]),
            masks=BitmapMasks(frame_masks, 80, 120),
        )
        samples.append(sample)
    data_sample = TrackDataSample()
    data_sample.video_data_samples = samples
    return data_sample, masks


@pytest.fixture
def visualizer(tmp_path):
    backends = [dict(type='LocalVisBackend')]
    visualizer = VISVisualizer(vis_backends=backends, save_dir=str(tmp_path))
    visualizer.dataset_meta = dict(classes=CLASSES)
    return visualizer


def test_configs_find_the_visualizer():
    assert VISUALIZERS.get('VISVisualizer') is VISVisualizer


def test_ground_truth_becomes_tracks(clip):
    data_sample, masks = clip
    tracks = gt_tracks(data_sample)
    assert tracks.instances_id.tolist() == [11, 12]
    assert tracks.labels.tolist() == [1, 0]
    assert tracks.masks[1][0] is None
    assert np.array_equal(mask_api.decode(tracks.masks[1][1]), masks[1, 1])


def test_ground_truth_lies_above_the_prediction(visualizer, clip, frames, tmp_path):
    data_sample, _ = clip
    predicted = gt_tracks(data_sample)
    predicted.scores = torch.tensor([0.1, 0.9])
    data_sample.pred_track_instances = predicted
    path = tmp_path / 'clip.png'
    visualizer.add_datasample('clip', frames[:2], data_sample, out_file=str(path))
    above = draw_strip(frames[:2], gt_tracks(data_sample), CLASSES)
    below = draw_strip(frames[:2], predicted, CLASSES)
    assert np.array_equal(cv2.imread(str(path)), np.concatenate([above, below]))
    assert not np.array_equal(above, below)


def test_backends_get_the_picture(visualizer, clip, frames, tmp_path):
    visualizer.add_datasample('clip', frames[:2], clip[0], step=7)
    stored = cv2.imread(str(tmp_path / 'vis_data' / 'vis_image' / 'clip_7.png'))
    assert np.array_equal(stored, draw_strip(frames[:2], gt_tracks(clip[0]), CLASSES))


def test_mistakes_are_explained(visualizer, clip, frames):
    with pytest.raises(ValueError, match='draw_gt=False'):
        visualizer.add_datasample('clip', frames[:2], clip[0], draw_gt=False)
    visualizer.dataset_meta = None
    with pytest.raises(ValueError, match='dataset_meta'):
        visualizer.add_datasample('clip', frames[:2], clip[0])
