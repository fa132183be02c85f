import cv2
import numpy as np
import pytest

from mmvis.visualization.overlay_video import write_overlay_video
from mmvis.visualization.palette import track_colour

CLASSES = ('cat', 'dog')


def _read(path):
    reader = cv2.VideoCapture(str(path))
    fps = reader.get(cv2.CAP_PROP_FPS)
    images = []
    while (result := reader.read())[0]:
        images.append(result[1])
    return images, fps


def test_video_reads_back(tmp_path, frames, tracks):
    path = tmp_path / 'new' / 'a.mp4'
    write_overlay_video(path, iter(frames), tracks, CLASSES, fps=4, min_side=160)
    images, fps = _read(path)
    assert fps == 4
    assert [image.shape for image in images] == [(160, 240, 3)] * 5
    for t, image in enumerate(images):
        assert np.abs(image[150, 180].astype(int) - 10 * t).max() < 8
    red = np.array(track_colour(3)) / 2 + 15
    assert np.abs(images[3][110, 150] - red).max() < 40
    assert [file.name for file in path.parent.iterdir()] == ['a.mp4']


def test_odd_sides_are_made_even(tmp_path, frames, tracks):
    tracks = tracks[tracks.scores > 1]
    odd = [frame[:79, :51] for frame in frames]
    write_overlay_video(tmp_path / 'a.mp4', odd, tracks, CLASSES, min_side=51)
    assert _read(tmp_path / 'a.mp4')[0][0].shape == (80, 52, 3)


def test_frames_of_two_sizes_leave_no_file(tmp_path, frames, tracks):
    tracks = tracks[tracks.scores > 1]
    frames[3] = np.zeros((50, 60, 3), np.uint8)
    with pytest.raises(ValueError, match=r'frame 3 of a\.mp4 is'):
        write_overlay_video(tmp_path / 'a.mp4', frames, tracks, CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_no_frame_is_an_error(tmp_path, tracks):
    with pytest.raises(ValueError, match='no frame to write'):
        write_overlay_video(tmp_path / 'a.mp4', [], tracks, CLASSES)
