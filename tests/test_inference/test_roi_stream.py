"""Inference of heads whose masks live in boxes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from pycocotools import mask as mask_utils

from mmvis.structures import RoIClipPrediction

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / '_base_' / 'models'
SIZE, VIDEO_LEN = (90, 120), 9
SPEED = torch.tensor([0.02, 0.01, 0.02, 0.01])


def bbox_at(frame):
    """Box of the first object; the second one lies outside of the frame."""
    return torch.stack(
        [
            torch.tensor([0.1, 0.2, 0.5, 0.6]) + SPEED * frame,
            torch.tensor([1.2, 0.1, 1.5, 0.4]) - SPEED * 0,
        ]
    )


def roi_logits():
    """A disc."""
    axis = torch.linspace(-1, 1, 28)
    disc = 4 - 6 * (axis[:, None] ** 2 + axis[None] ** 2)
    return torch.stack([disc, disc])


def predict_clip(features):
    frames = features.maps[0][0, :, 0, 0, 0]
    T = len(frames)
    probs = torch.tensor([[0.9, 0.0, 0.1], [0.0, 0.6, 0.4]])
    bboxes = torch.stack([bbox_at(frame) for frame in frames], dim=1)
    logits = roi_logits()[:, None].expand(-1, T, -1, -1)
    return RoIClipPrediction(probs, logits, bboxes, grid_size=(45, 60))


def frame_numbers(frame_inds):
    """Inputs (1, t, 1, 1, 1) that hold the number of each frame."""
    return torch.tensor(list(frame_inds)).float().view(1, -1, 1, 1, 1)


@pytest.fixture
def run(open_stream, feed):
    """Record of a video whose maps hold the number of each frame."""

    def run_(video_len=None, **cfg):
        cfg = dict(score_thr=0.0) | cfg
        stream = open_stream(predict_clip, cfg, video_len, SIZE)
        feed(stream, frame_numbers, VIDEO_LEN, chunk_len=2)
        return stream.record()

    return run_


def ious(masks, others):
    """IoU of the masks of each frame."""
    return [mask_utils.iou([a], [b], [0])[0, 0] for a, b in zip(masks, others)]


@pytest.mark.parametrize('video_len', [VIDEO_LEN, None])
def test_offline_masks_are_discs(run, video_len):
    tracks = run(video_len, clip_len=None)
    assert tracks.labels.tolist() == [0, 1]
    assert tracks.bboxes[1] == [None] * VIDEO_LEN
    torch.testing.assert_close(tracks.scores, torch.tensor([0.9, 0.6]))
    assert tracks.masks[1] == [None] * VIDEO_LEN  # outside of the frame
    h, w = SIZE
    y, x = np.mgrid[:h, :w] + 0.5
    for t, rle in enumerate(tracks.masks[0]):
        x1, y1, x2, y2 = (bbox_at(t)[0] * torch.tensor([w, h, w, h])).tolist()
        assert tracks.bboxes[0][t] == pytest.approx([x1, y1, x2, y2], abs=0.006)
        u, v = 2 * (x - x1) / (x2 - x1) - 1, 2 * (y - y1) / (y2 - y1) - 1
        # Cells are 2 / 27 apart in the disc, 2 / 28 in the box.
        disc = (u**2 + v**2) * (28 / 27) ** 2 <= 4 / 6
        mask = mask_utils.decode(rle).astype(bool)
        assert (mask & disc).sum() / (mask | disc).sum() > 0.97


@pytest.mark.parametrize('merger', ['IFCClipMerger', 'TrackClipMerger'])
@pytest.mark.parametrize('clip_len', [3, 9])
def test_near_online_links_clips_to_the_same_track(run, merger, clip_len):
    offline = run(clip_len=None)
    tracks = run(clip_len=clip_len, clip_stride=2, merger=dict(type=merger))
    assert tracks.labels[0] == 0
    assert min(ious(tracks.masks[0], offline.masks[0])) > 0.85
    # Clips agree about masks, not boxes.
    for mask, bbox in zip(tracks.masks[0], tracks.bboxes[0]):
        x, y, w, h = mask_utils.toBbox(mask)
        assert bbox == [x, y, x + w, y + h]


def test_frames_between_get_boxes_and_masks_between(run):
    offline = run(clip_len=None)
    sparse = run(clip_len=None, frame_stride=3)
    # The box moves evenly, so that nothing is lost.
    assert min(ious(sparse.masks[0], offline.masks[0])) > 0.99
    for between, bbox in zip(sparse.bboxes[0], offline.bboxes[0]):
        assert between == pytest.approx(bbox, abs=0.02)


def test_long_offline_videos_are_merged(run):
    """Cut at any place, a video's tracks rank with those of other videos."""
    cfg = Config.fromfile(CONFIGS / 'tevit_r50.py').model.test_cfg
    tracks = run(**cfg, max_offline_frames=4)
    offline = run(**cfg)
    assert tracks.labels.tolist() == [0]  # nothing is seen of the other
    torch.testing.assert_close(tracks.scores, offline.scores[:1])
    assert min(ious(tracks.masks[0], offline.masks[0])) > 0.85
