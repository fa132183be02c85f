"""Damaged videos: what is missing is said, in every format and for every damage."""

import functools
import random
import re

import av
import pytest

from mmvis.errors import UserValueError
from mmvis.sources import VideoFile
from mmvis.sources.container_check import _is_shown
from mmvis.sources.video_decoder import VideoDecoder, open_container
from mmvis.testing import make_tiny_video

NUM_FRAMES = 40
CODECS = {
    'mp4': 'libx264',
    'mkv': 'libx264',
    'webm': 'libvpx-vp9',
    'avi': 'mjpeg',
    'mov': 'prores_ks',
    'ts': 'libx264',
    'mpg': 'mpeg2video',
    'flv': 'flv1',
    'gif': 'gif',
}
PIXELS = {'prores_ks': 'yuv422p10le', 'mjpeg': 'yuvj420p', 'gif': 'rgb8'}


@pytest.fixture(scope='module')
def video_bytes(tmp_path_factory):
    """Content of a video of 40 frames by its container."""
    folder = tmp_path_factory.mktemp('whole')

    @functools.cache
    def content(suffix):
        codec = CODECS[suffix]
        options = {'movflags': 'faststart'} if suffix in ('mp4', 'mov') else None
        make_tiny_video(
            folder / f'a.{suffix}',
            NUM_FRAMES,
            codec=codec,
            size=(64, 96),
            fps=25,
            pix_fmt=PIXELS.get(codec, 'yuv420p'),
            options=options,
        )
        return (folder / f'a.{suffix}').read_bytes()

    return content


def cut(content, generator):
    return content[: generator.randrange(len(content) // 4, len(content) - 1)]


def flip(content, generator):
    damaged = bytearray(content)
    for _ in range(generator.choice([1, 3, 20])):
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    return bytes(damaged)


def blank(content, generator):
    start = generator.randrange(len(content))
    length = min(generator.choice([8, 200, 2000]), len(content) - start)
    return content[:start] + bytes(length) + content[start + length :]


def drop(content, generator):
    start = generator.randrange(len(content))
    return content[:start] + content[start + generator.choice([1, 8, 200]) :]


def read_damaged(path, capsys):
    """Number of frames of a damaged video and what was said; None: it was refused."""
    try:
        num_frames = sum(frame.load().ndim == 3 for frame in VideoFile(path))
    except UserValueError:
        return None, ''
    return num_frames, capsys.readouterr().err


def is_silent(path, capsys):
    """Whether a damaged video is shorter and nothing was said."""
    num_frames, said = read_damaged(path, capsys)
    is_said = f'warning: {path} is damaged: ' in said
    return num_frames is not None and num_frames < NUM_FRAMES and not is_said


@pytest.mark.parametrize('suffix', CODECS)
def test_whole_video_is_not_called_damaged(tmp_path, capsys, video_bytes, suffix):
    path = tmp_path / f'a.{suffix}'
    path.write_bytes(video_bytes(suffix))
    assert read_damaged(path, capsys) == (NUM_FRAMES, '')


@pytest.mark.parametrize('suffix', CODECS)
def test_truncated_video_is_not_accepted_as_complete(
    tmp_path, capsys, video_bytes, suffix
):
    path = tmp_path / f'a.{suffix}'
    content = video_bytes(suffix)
    path.write_bytes(content[: len(content) * 3 // 5 + 1])
    num_frames, said = read_damaged(path, capsys)
    assert 10 <= num_frames < NUM_FRAMES
    assert f'warning: {path} is damaged: ' in said
    with pytest.raises(ValueError, match=r"damaged.*Restore it, or pass on_damage='wa"):
        list(VideoFile(path, on_damage='stop'))


@pytest.mark.parametrize('suffix', ['mp4', 'mkv', 'avi'])
def test_number_of_missing_frames(tmp_path, capsys, video_bytes, suffix):
    path = tmp_path / f'a.{suffix}'
    content = video_bytes(suffix)
    path.write_bytes(content[: len(content) * 3 // 5 + 1])
    num_frames, said = read_damaged(path, capsys)
    announced = VideoFile(path).num_frames
    assert 0 <= announced - num_frames <= 3  # those that need the one that was cut
    number, total = map(int, re.search(r'about (\d+) of (\d+) frames', said).groups())
    assert abs(total - NUM_FRAMES) <= 2  # Matroska states the length in seconds
    assert total - number == announced


def test_frames_after_a_damaged_one_are_read(tmp_path, capsys, video_bytes):
    content = bytearray(video_bytes('avi'))
    start = content.index(b'00dc', len(content) // 3) + 8
    content[start : start + 200] = bytes(200)  # header of one JPEG
    path = tmp_path / 'a.avi'
    path.write_bytes(content)
    num_frames, said = read_damaged(path, capsys)
    assert num_frames == 39
    assert '39 of 40 frames could be decoded, 1 are missing' in said
    decoder = VideoDecoder(open_container(str(path), 'a.avi'), 'a.avi')
    assert len(list(decoder)) == decoder.num_frames == 39
    assert decoder.num_errors == 1
    with pytest.raises(ValueError, match='is damaged'):
        list(VideoFile(path, on_damage='stop'))


def test_last_bytes_of_a_matroska_file(tmp_path, capsys, video_bytes):
    path = tmp_path / 'a.webm'
    said = []
    for num_bytes in range(1, 120, 7):
        path.write_bytes(video_bytes('webm')[:-num_bytes])
        said.append(read_damaged(path, capsys)[1])
    assert all('is damaged' in text for text in said)


def test_messages_belong_to_their_video(tmp_path, capsys, video_bytes):
    """FFmpeg says the same of two files, and nothing of the third."""
    content = video_bytes('mkv')
    for name, part in (('a', content[:-2000]), ('b', content[:-2000]), ('c', content)):
        path = tmp_path / f'{name}.mkv'
        path.write_bytes(part)
        damage = VideoFile(path).damage
        assert (damage is None) == (name == 'c')
        assert name == 'c' or 'File ended prematurely' in damage
    assert 'c.mkv' not in capsys.readouterr().err


def test_packets_of_vp8_that_show_nothing(tmp_path):
    path = make_tiny_video(tmp_path / 'a.webm', 3, codec='libvpx')
    other = make_tiny_video(tmp_path / 'b.webm', 3, codec='libvpx-vp9')
    hidden, shown = av.Packet(b'\x01\x02\x03'), av.Packet(b'\x11\x02\x03')
    with av.open(str(path)) as container, av.open(str(other)) as vp9:
        assert not _is_shown(hidden, container.streams.video[0])
        assert _is_shown(shown, container.streams.video[0])
        assert _is_shown(hidden, vp9.streams.video[0])


@pytest.mark.parametrize('damage', [cut, flip, blank, drop])
@pytest.mark.parametrize('suffix', ['mp4', 'mkv', 'avi', 'ts'])
def test_damage_is_always_reported(tmp_path, capsys, video_bytes, suffix, damage):
    generator = random.Random(0)
    for i in range(3):
        path = tmp_path / f'{i}.{suffix}'
        path.write_bytes(damage(video_bytes(suffix), generator))
        assert not is_silent(path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize('damage', [cut, flip, blank, drop])
@pytest.mark.parametrize('suffix', CODECS)
def test_damage_is_always_reported_in_many_videos(
    tmp_path, capsys, video_bytes, suffix, damage
):
    if (suffix, damage) == ('gif', drop):
        pytest.skip('GIF has no count, times or checksums that would show it')
    generator = random.Random(1)
    silent = []
    for i in range(20):
        path = tmp_path / f'{i}.{suffix}'
        path.write_bytes(damage(video_bytes(suffix), generator))
        if is_silent(path, capsys):
            silent.append(path.name)
    assert silent == []
