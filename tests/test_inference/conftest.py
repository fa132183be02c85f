import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample

from mmvis.inference import TestCfg, VideoStream
from mmvis.structures import ClipFeatures, ClipPrediction


class FunctionModel:
    """A model whose features are its inputs and whose prediction is a function."""

    def __init__(self, predict):
        self.predict = predict

    def encode_frames(self, inputs, data_samples):
        padding_mask = torch.zeros_like(inputs[:, :, 0], dtype=torch.bool)
        return ClipFeatures((inputs,), (8,), (padding_mask,))

    def predict_clip(self, features, state):
        return self.predict(features), state


def make_samples(frame_inds):
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(metainfo=dict(frame_id=frame)) for frame in frame_inds
    ]
    return [sample]


@pytest.fixture
def perturb():
    """Change probabilities and logits by up to 1e-6.

    With seed 0 by nothing, with 1 all up, with 2 all down, else at random.
    """

    def perturb_(prediction, seed):
        generator = torch.Generator().manual_seed(seed)

        def noise(x):
            if seed < 3:
                return torch.full_like(x, (0.0, 1e-6, -1e-6)[seed])
            return 1e-6 * (2 * torch.rand(x.shape, generator=generator) - 1)

        probs, logits = prediction.cls_probs, prediction.mask_logits
        return ClipPrediction(
            probs + noise(probs), logits + noise(logits), prediction.query_inds
        )

    return perturb_


@pytest.fixture
def samples_of():
    """Data samples of the frames of a piece."""
    return make_samples


@pytest.fixture
def open_stream():
    """Open the stream of a model, or of a function of features."""

    def open_(predict, cfg, video_len=None, size=(21, 34), keep_record=True):
        is_model = hasattr(predict, 'predict_clip')
        return VideoStream(
            predict if is_model else FunctionModel(predict),
            TestCfg.from_dict(cfg),
            ori_shape=size,
            video_len=video_len,
            keep_record=keep_record,
        )

    return open_


@pytest.fixture
def feed():
    """Push a video in pieces; gives the frames in the order in which they came."""

    def feed_(stream, make_frames, video_len, chunk_len):
        frames = []
        for start in range(0, video_len, chunk_len):
            chunk = range(start, min(start + chunk_len, video_len))
            frames += stream.push(make_frames(chunk), make_samples(chunk))
        return frames + stream.end()

    return feed_
