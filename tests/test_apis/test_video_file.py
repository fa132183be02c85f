import cv2
import numpy as np
import pytest

from mmvis.apis import VideoFile


def write(path, codec):
    """Write 7 frames, the grey level of frame t is 30 t."""
    fourcc = cv2.VideoWriter_fourcc(*codec)
    writer = cv2.VideoWriter(str(path), fourcc, 12.5, (48, 32))
    for t in range(7):
        writer.write(np.full((32, 48, 3), 30 * t, dtype=np.uint8))
    writer.release()
    return path


@pytest.fixture
def video(tmp_path):
    return write(tmp_path / 'grey.mp4', 'mp4v')


def test_frames_in_any_order(video):
    frames = VideoFile(video)
    assert len(frames) == 7
    assert frames.fps == 12.5
    for t in (0, 1, 5, 2, 2, 6, 0):
        assert frames[t].shape == (32, 48, 3)
        assert frames[t].mean() == pytest.approx(30 * t, abs=4)
    assert len(list(frames)) == 7


def test_length_is_that_of_the_decodable_part(tmp_path):
    path = write(tmp_path / 'cut.avi', 'MJPG')
    content = path.read_bytes()
    frames = content.partition(b'movi')[2].split(b'00dc')[1:8]
    path.write_bytes(content[: content.index(frames[3])])
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 7
    video = VideoFile(path)
    assert len(video) == 3
    assert video[2].mean() == pytest.approx(60, abs=4)


def test_mistakes(video, tmp_path):
    path = tmp_path / 'text.mp4'
    path.write_bytes(b'no video')
    with pytest.raises(ValueError, match=r'text.mp4 has no frame that OpenCV can'):
        VideoFile(path)
    with pytest.raises(FileNotFoundError, match=r'no.mp4 does not exist'):
        VideoFile(tmp_path / 'no.mp4')
    with pytest.raises(IndexError, match='frames 0 to 6'):
        VideoFile(video)[7]
