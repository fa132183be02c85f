import av
import cv2
import numpy as np
import pytest

from mmvis.errors import UserValueError
from mmvis.visualization import VideoWriter


def write(path, times, size=(48, 64)):
    with VideoWriter(path, name='a.mp4') as video:
        for i, time in enumerate(times):
            video.add(np.full((*size, 3), 20 * i, np.uint8), time)
    return path


def shown_times(path):
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def test_video_plays_in_browsers(tmp_path):
    path = write(tmp_path / 'a.mp4', [0, 0.1, 0.2])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert container.format.name.startswith('mov,mp4')
        assert stream.codec_context.name == 'h264'
        assert stream.codec_context.pix_fmt == 'yuv420p'
        assert stream.codec_context.profile in ('High', 'Main', 'Constrained Baseline')
    content = path.read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')  # plays while it loads


@pytest.mark.parametrize('fps', [1, 6, 12.5, 24, 30, 30000 / 1001])
def test_steady_rate(tmp_path, fps):
    path = write(tmp_path / 'a.mp4', [t / fps for t in range(10)])
    reader = cv2.VideoCapture(str(path))
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, rel=1e-3)
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 10


def test_variable_rate(tmp_path):
    times = [0, 0.04, 0.5, 0.51, 2]
    path = write(tmp_path / 'a.mp4', times)
    assert shown_times(path) == pytest.approx(times, abs=1e-4)


def test_times_that_do_not_rise_are_pushed_apart(tmp_path):
    shown = shown_times(write(tmp_path / 'a.mp4', [0, 0, 0.1, 0.05]))
    assert len(shown) == 4
    assert (np.diff(shown) > 0).all()


def test_single_picture_and_odd_size(tmp_path):
    (time,) = shown_times(write(tmp_path / 'a.mp4', [0], size=(49, 63)))
    assert time == 0
    frame = cv2.VideoCapture(str(tmp_path / 'a.mp4')).read()[1]
    assert frame.shape == (50, 64, 3)


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match='No such file'):
        write(tmp_path / 'no' / 'a.mp4', [0])


def test_error_in_the_middle_passes_through(tmp_path):
    def times():
        yield 0
        raise UserValueError('in the middle')

    with pytest.raises(UserValueError, match='in the middle'):
        write(tmp_path / 'a.mp4', times())
