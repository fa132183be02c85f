import os

import numpy as np
import pytest
import torch
from PIL import Image

from mmvis.sources import ArrayFrames, GeneratedFrames, to_frame

# Every axis and every channel differs.
BGR = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3) * 8
RGB = np.ascontiguousarray(BGR[..., ::-1])
ALPHA = np.full((2, 5, 1), 9, np.uint8)
CHW = torch.from_numpy(RGB).permute(2, 0, 1)


@pytest.mark.parametrize(
    'frame',
    [
        BGR,
        np.concatenate([BGR, ALPHA], axis=2),
        BGR / 255,
        (BGR / 255).astype(np.float32),
        BGR[:, ::-1][:, ::-1],
        torch.from_numpy(RGB),
        CHW,
        CHW / 255,
        (CHW / 255).half(),
        torch.cat([CHW, torch.zeros(1, 2, 5, dtype=torch.uint8)]),
        CHW.double().requires_grad_() / 255,
        Image.fromarray(RGB),
        Image.fromarray(np.concatenate([RGB, ALPHA], axis=2)),
    ],
    ids=lambda frame: f'{type(frame).__name__}-{getattr(frame, "dtype", "")}',
)
def test_frames_of_all_kinds_are_one(frame):
    result = to_frame(frame)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    # Half precision is off by less than one level.
    np.testing.assert_allclose(result.astype(int), BGR, atol=0)


def test_grey_frames():
    grey = BGR[..., 0]
    expected = np.stack([grey] * 3, axis=2)
    for frame in (grey, grey[..., None], torch.from_numpy(grey), Image.fromarray(grey)):
        assert np.array_equal(to_frame(frame), expected)
    assert np.array_equal(to_frame(torch.from_numpy(grey)[None]), expected)


def test_palette_image_and_image_file(tmp_path):
    image = Image.fromarray(RGB)
    image.save(tmp_path / 'a.png')
    assert np.array_equal(to_frame(tmp_path / 'a.png'), BGR)
    assert to_frame(image.convert('P')).shape == (2, 5, 3)


@pytest.mark.parametrize(
    ('frame', 'error', 'message'),
    [
        (BGR.astype(np.float64), ValueError, 'frame 3 has floating values from 0 to'),
        (BGR / 255 - 0.5, ValueError, r'must be in \[0, 1\]'),
        (BGR / np.float32(np.nan), ValueError, r'must be in \[0, 1\]'),
        (BGR.astype(np.uint16), TypeError, 'frame 3 has values of type uint16'),
        (BGR.astype(np.int64), TypeError, 'values of type int64'),
        (BGR > 9, TypeError, 'values of type bool'),
        (RGB.transpose(2, 0, 1), ValueError, r'shape \(3, 2, 5\).*transpose\(1, 2, 0'),
        (np.zeros((2, 5, 2), np.uint8), ValueError, r'shape \(2, 5, 2\)'),
        (np.zeros((0, 5, 3), np.uint8), ValueError, r'shape \(0, 5, 3\)'),
        (np.zeros(5, np.uint8), ValueError, r'shape \(5,\)'),
        (None, TypeError, 'frame 3 is of type NoneType'),
        (dict(img=BGR), TypeError, 'frame 3 is of type dict'),
        (BGR.astype(object), TypeError, 'values of type object'),
        (torch.zeros(3, 2, 5, device='meta'), TypeError, 'frame 3 is a sparse or'),
        (torch.zeros(3, 2, 5).to_sparse(), TypeError, 'frame 3 is a sparse or'),
        (torch.full((3, 2, 5), 9.0).to(torch.float8_e4m3fn), ValueError, 'from 9 to 9'),
        (Image.new('RGB', (0, 5)), ValueError, r'shape \(5, 0, 3\)'),
        # `convert('RGB')` makes all of them white or black.
        (Image.fromarray(BGR[..., 0].astype(np.uint16)), TypeError, 'of type uint16'),
        (Image.fromarray(BGR[..., 0].astype(np.int32)), TypeError, 'of type int32'),
        (
            Image.fromarray(BGR[..., 0].astype(np.float32)),
            ValueError,
            'has floating values',
        ),
    ],
)
def test_frames_that_are_not_taken(frame, error, message):
    with pytest.raises(error, match=message):
        to_frame(frame, 'frame 3')


def test_image_of_floats_in_0_to_1():
    values = BGR[..., 0].astype(np.float32) / 255
    frame = to_frame(Image.fromarray(values))
    np.testing.assert_array_equal(frame, np.repeat(BGR[..., :1], 3, axis=2))


def test_image_file_that_is_cut_after_it_was_opened(tmp_path):
    path = tmp_path / 'x.png'
    noise = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    image = Image.open(path)
    os.truncate(path, 300)
    with pytest.raises(ValueError, match='frame 3 cannot be read: '):
        to_frame(image, 'frame 3')


def test_sequences_and_generators():
    video = np.stack([BGR, BGR[::-1]])
    for frames in (video, list(video), torch.from_numpy(video[..., ::-1].copy())):
        source = ArrayFrames(frames, fps=2)
        assert (source.num_frames, source.can_restart) == (2, True)
        assert [frame.time for frame in source] == [0, 0.5]
        assert np.array_equal([frame.load() for frame in source], video)
    source = GeneratedFrames(iter(video))
    assert (source.num_frames, source.can_restart, source.fps) == (None, False, 6)
    assert np.array_equal([frame.load() for frame in source], video)


def test_generator_is_asked_for_one_frame_at_a_time():
    asked = []

    def endless():
        while True:
            asked.append(len(asked))
            yield BGR

    frames = iter(GeneratedFrames(endless()))
    next(frames)
    next(frames)
    assert asked == [0, 1]
