import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmvis.sources import ArrayFrames, VideoURL, open_source, open_sources
from mmvis.testing import make_tiny_video

FRAMES = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones(
    (1, 8, 12, 3), np.uint8
)


@pytest.fixture
def folder(tmp_path):
    """Frames 1.png to 11.png; the grey level is the number. A hidden file."""
    for number in range(1, 12):
        image = np.full((8, 12, 3), number, np.uint8)
        cv2.imwrite(str(tmp_path / f'{number}.png'), image)
    (tmp_path / '._1.png').write_bytes(b'resource fork')
    (tmp_path / 'notes.txt').write_text('none')
    return tmp_path


def levels(source):
    return [int(frame.load()[0, 0, 0]) for frame in source]


def test_folder_in_natural_order(folder):
    source = open_sources(folder)
    assert (source.name, source.num_frames) == (folder.name, 11)
    assert levels(source) == list(range(1, 12))
    assert levels(open_sources(str(folder) + '/')) == list(range(1, 12))


def test_glob_in_natural_order(folder):
    assert levels(open_sources(f'{folder}/1*.png')) == [1, 10, 11]
    assert open_sources(f'{folder}/1*.png').name == folder.name
    with pytest.raises(FileNotFoundError, match=r'no file matches .*x\*'):
        open_sources(f'{folder}/x*.png')


def test_name_with_brackets_is_a_name_first(tmp_path):
    path = make_tiny_video(tmp_path / 'dog [1].mp4')
    assert open_sources(str(path)).num_frames == 7


def test_list_of_paths_keeps_its_order(folder):
    paths = [folder / '10.png', str(folder / '2.png')]
    assert levels(open_sources(paths)) == [10, 2]
    assert levels(open_sources(tuple(paths))) == [10, 2]
    assert levels(open_sources(folder / '7.png')) == [7]


def test_several_videos(tmp_path):
    paths = [make_tiny_video(tmp_path / f'{n}.mp4', n) for n in (10, 9)]
    for inputs, lengths in (
        (tmp_path, [9, 10]),
        (f'{tmp_path}/*.mp4', [9, 10]),
        (paths, [10, 9]),
        ([str(paths[0])], [10]),
    ):
        sources = open_sources(inputs)
        assert [source.num_frames for source in sources] == lengths
    assert [s.name for s in open_sources(paths)] == ['10', '9']


def test_folder_of_folders_of_frames(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp('JPEGImages')
    for name in ('b', 'a'):
        (root / name).symlink_to(folder)
    (root / 'empty').mkdir()
    sources = open_sources(root)
    assert [source.num_frames for source in sources] == [11, 11]
    assert [levels(source)[0] for source in sources] == [1, 1]


def test_things_in_memory():
    image = Image.fromarray(FRAMES[2])
    for inputs, expected in (
        (FRAMES, [0, 1, 2, 3]),
        (list(FRAMES), [0, 1, 2, 3]),
        (tuple(FRAMES[1:]), [1, 2, 3]),
        (torch.from_numpy(FRAMES), [0, 1, 2, 3]),
        (torch.from_numpy(FRAMES).permute(0, 3, 1, 2), [0, 1, 2, 3]),
        ([torch.from_numpy(FRAMES[1])], [1]),
        (FRAMES[3], [3]),
        (torch.from_numpy(FRAMES[3]).permute(2, 0, 1), [3]),
        (image, [2]),
        ([image, image], [2, 2]),
        ((frame for frame in FRAMES), [0, 1, 2, 3]),
        (map(Image.fromarray, FRAMES), [0, 1, 2, 3]),
        (ArrayFrames(FRAMES), [0, 1, 2, 3]),
    ):
        assert levels(open_sources(inputs)) == expected


def test_urls():
    source = open_sources('rtsp://user:secret@cam.local/live/door.sdp?x=1')
    assert isinstance(source, VideoURL)
    assert (source.name, source.num_frames, source.can_restart) == ('door', None, False)
    with pytest.raises(ValueError, match=r'^ftp://h/a.mp4 has the scheme .ftp.*http'):
        open_sources('ftp://me:secret@h/a.mp4')


def test_webcam(tmp_path, monkeypatch):
    """The frames of the camera are those of a file; no camera is there in a test."""
    path = make_tiny_video(tmp_path / 'a.avi', 3, codec='mjpeg', pix_fmt='yuvj420p')
    video_capture = cv2.VideoCapture
    asked = []

    def open_camera(index):
        asked.append(index)
        return video_capture(str(path))

    monkeypatch.setattr(cv2, 'VideoCapture', open_camera)
    for inputs in (2, '2', '/dev/video2', np.int64(2)):
        source = open_sources(inputs)
        frames = list(source)
        assert (source.name, source.can_restart) == ('webcam2', False)
        assert len(frames) == 3
        assert frames[0].time == 0
        assert frames[1].load()[-4:].mean() == pytest.approx(30, abs=3)
    assert asked == [2] * 4
    assert [frame.time for frame in open_sources(2, fps=4)] == [0, 0.25, 0.5]


def test_missing_camera(capfd):
    with pytest.raises(ValueError, match='no webcam 99 that can be opened'):
        open_sources(99)
    assert capfd.readouterr().err == ''  # nothing of OpenCV's own


@pytest.mark.parametrize(
    ('inputs', 'error', 'message'),
    [
        (
            [],
            ValueError,
            r'`inputs` has no frames\. Expected is a video',
        ),
        (np.zeros((0, 8, 12, 3), np.uint8), ValueError, r'shape \(0, 8, 12, 3\)'),
        (np.zeros((8, 12), np.uint8), ValueError, r'shape \(8, 12\)'),
        (np.zeros((2, 4, 8, 12, 3), np.uint8), ValueError, r'shape \(2, 4, 8, 12, 3\)'),
        (None, TypeError, 'is of type NoneType. Expected is a video file'),
        (3.5, TypeError, 'is of type float'),
        (True, TypeError, 'is of type bool'),
        (b'dog.mp4', TypeError, 'is of type bytes'),
        ({'video': 'dog.mp4'}, TypeError, 'is of type dict'),
        ('no.mp4', FileNotFoundError, r'no\.mp4 does not exist'),
        ('no\0.mp4', FileNotFoundError, 'does not exist'),
        ('', ValueError, '`inputs` is an empty text'),
        (-1, ValueError, 'no webcam -1 that can be opened'),
        (10**20, ValueError, 'no webcam 1000.* that can be opened'),
    ],
)
def test_unsupported_inputs_are_refused(inputs, error, message):
    with pytest.raises(error, match=message):
        open_sources(inputs)


def test_unsupported_folders_are_refused(folder, tmp_path_factory):
    empty = tmp_path_factory.mktemp('empty')
    with pytest.raises(ValueError, match=r'has no frames\. Expected are files'):
        open_sources(empty)
    video = make_tiny_video(folder / 'dog.mp4')
    with pytest.raises(ValueError, match=r'\(1\.png.*videos \(dog\.mp4.*\*\.png'):
        open_sources(folder)
    with pytest.raises(ValueError, match=r'has frames \(.*1\.png\) as well as videos'):
        open_sources([video, folder / '1.png'])


@pytest.mark.parametrize(
    'fps', [0, -1, float('inf'), float('nan'), 1001, '25', True, 1e-300, 10**400]
)
def test_invalid_rates_are_refused(fps):
    with pytest.raises(ValueError, match='`fps` must be a number of frames per second'):
        open_sources(FRAMES, fps=fps)


def test_option_for_damaged_videos_is_checked_for_all_sources():
    with pytest.raises(ValueError, match="`on_damage` must be 'warn' or 'stop', got"):
        open_sources(FRAMES, on_damage='ignore')


def test_path_objects_of_all_kinds(folder):
    class Entry(os.PathLike):
        def __fspath__(self):
            return str(folder)

    assert open_sources(Entry()).num_frames == open_sources(Path(folder)).num_frames


def test_one_video(folder, tmp_path_factory):
    assert levels(open_source(folder)) == list(range(1, 12))
    videos = tmp_path_factory.mktemp('videos')
    for name in ('a.mp4', 'b.mp4'):
        make_tiny_video(videos / name)
    with pytest.raises(ValueError, match='are 2 videos, expected one'):
        open_source(videos)
