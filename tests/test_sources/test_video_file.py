import gc
import os

import av
import numpy as np
import pytest

from mmvis.sources import VideoFile
from mmvis.testing import make_tiny_video, tiny_frame, turn_video

# Container, encoder and pixel format, with the largest error of a grey level.
FORMATS = [
    ('mp4', 'libx264', 'yuv420p', 6),
    ('mp4', 'libx264', 'yuv420p10le', 6),
    ('mkv', 'libx264', 'yuv444p', 6),
    ('webm', 'libvpx-vp9', 'yuv420p', 8),
    ('webm', 'libvpx', 'yuv420p', 14),
    ('avi', 'mjpeg', 'yuvj420p', 8),
    ('avi', 'mpeg4', 'yuv420p', 14),
    ('mov', 'prores_ks', 'yuva444p10le', 6),
    ('mkv', 'ffv1', 'yuv420p', 4),
    ('mov', 'qtrle', 'argb', 0),
    ('gif', 'gif', 'rgb8', 24),
    ('ts', 'libx264', 'yuv420p', 6),
    ('flv', 'flv1', 'yuv420p', 14),
]


@pytest.mark.parametrize(('suffix', 'codec', 'pix_fmt', 'error'), FORMATS)
def test_formats(tmp_path, capsys, suffix, codec, pix_fmt, error):
    path = tmp_path / f'a.{suffix}'
    make_tiny_video(path, 12, codec=codec, pix_fmt=pix_fmt, fps=10)
    source = VideoFile(path)
    frames = list(source)
    assert (source.name, source.num_frames, source.fps) == ('a', 12, 10)
    assert [round(frame.time, 3) for frame in frames] == [t / 10 for t in range(12)]
    for t, frame in enumerate(frames):
        image = frame.load()
        assert image.shape == (32, 48, 3)
        assert abs(image[-4:].mean() - 30 * t % 240) <= error
    assert source.damage is None
    assert capsys.readouterr().err == ''


def test_frames_can_be_read_again(tmp_path):
    source = VideoFile(make_tiny_video(tmp_path / 'a.mp4'))
    first, second = ([f.load() for f in source] for _ in range(2))
    assert np.array_equal(first, second)


def test_frames_are_freed_without_the_collector(tmp_path):
    source = VideoFile(make_tiny_video(tmp_path / 'a.mp4', 40))
    gc.collect()
    gc.disable()
    try:
        assert sum(frame.load().ndim == 3 for frame in source) == 40
        assert gc.collect() < 40  # objects that hold each other
    finally:
        gc.enable()


def test_times_of_a_variable_rate(tmp_path, capsys):
    times = [0.2, 0.25, 0.4, 1.4, 1.41, 1.9, 3, 3.5, 3.6, 4, 4.1, 5]
    path = make_tiny_video(tmp_path / 'a.mkv', 12, times=times)
    source = VideoFile(path)
    assert [f.time for f in source] == pytest.approx([t - 0.2 for t in times], abs=1e-3)
    assert [f.time for f in VideoFile(path, fps=8)] == [t / 8 for t in range(12)]
    assert capsys.readouterr().err == ''


def test_odd_sizes(tmp_path):
    path = tmp_path / 'a.mkv'
    make_tiny_video(path, 2, codec='ffv1', size=(33, 47), pix_fmt='yuv444p')
    _, frame = (f.load() for f in VideoFile(path))
    assert np.abs(frame.astype(int) - tiny_frame(1, (33, 47))).max() <= 2


@pytest.mark.parametrize(
    ('matrix', 'turned'),
    [
        ((1, 0, 0, 1), lambda image: image),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
    ],
)
def test_frames_are_upright(tmp_path, matrix, turned):
    path = make_tiny_video(tmp_path / 'a.mp4', 2)
    _, stored = (f.load() for f in VideoFile(path))
    turn_video(path, matrix)
    _, frame = (f.load() for f in VideoFile(path))
    assert np.array_equal(frame, turned(stored))
    assert frame.flags.c_contiguous


def test_name_that_is_not_utf_8(tmp_path):
    name = os.fsencode(tmp_path) + b'/b\xff.mp4'
    make_tiny_video(tmp_path / 'a.mp4').rename(os.fsdecode(name))
    assert len(list(VideoFile(os.fsdecode(name)))) == 7


def test_second_half_of_another_size(tmp_path, capsys):
    parts = [make_tiny_video(tmp_path / f'{h}.h264', 5, size=(h, 48)) for h in (32, 64)]
    path = tmp_path / 'a.h264'
    path.write_bytes(b''.join(part.read_bytes() for part in parts))
    shapes = {f.load().shape for f in VideoFile(path)}
    assert shapes == {(32, 48, 3)}
    assert (
        f'frame 5 of {path} is 48x64 pixels, but the video began with 48x32; such '
        'frames are scaled to that'
    ) in capsys.readouterr().err
    with pytest.raises(ValueError, match=r'frame 5 of .* is 48x64'):
        list(VideoFile(path, on_damage='stop'))


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / 'a.wav'), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000)
        samples = np.zeros((1, 400), np.int16)
        frame = av.AudioFrame.from_ndarray(samples, 's16', layout='mono')
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(ValueError, match=r'a\.wav has no video .* holds: audio'):
        VideoFile(tmp_path / 'a.wav')


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.mp4', b'', r'a\.mp4 is empty'),
        ('a.mp4', b'no video', r'a\.mp4 cannot be read as a video'),
        ('a.txt', b'some text\n' * 50, r'a\.txt is not a video but a text'),
        ('a.m3u8', b'#EXTM3U\n#EXT-X-VERSION:3\n', r'a\.m3u8'),
    ],
)
def test_files_that_are_no_videos(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        VideoFile(tmp_path / name)


def test_mistakes(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'the video .*no\.mp4 does not exist'):
        VideoFile(tmp_path / 'no.mp4')
    with pytest.raises(OSError, match='too long'):
        VideoFile(tmp_path / ('x' * 300 + '.mp4'))
    path = make_tiny_video(tmp_path / 'a.mp4')
    with pytest.raises(ValueError, match="`on_damage` must be 'warn' or 'stop', got 1"):
        VideoFile(path, on_damage=1)
