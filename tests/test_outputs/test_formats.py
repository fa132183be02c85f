import av
import cv2
import numpy as np
import pytest

from mmvis.outputs import FORMATS, VideoFacts, endings_of, write_frames
from mmvis.outputs.formats import DEFAULT_FORMATS
from mmvis.outputs.frame_writers import WRITERS


def facts(result=None):
    return VideoFacts('clip', ('cat', 'dog', 'bird'), (7, 8, 9), result=result)


def num_frames_of(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_unknown_formats_are_named():
    assert endings_of(DEFAULT_FORMATS, 3) == dict(
        json='.json', video='.mp4', strip='.png'
    )
    assert endings_of('csv', 3) == {'csv': '.csv'}
    with pytest.raises(ValueError, match=r"has 'avi'\. Known formats are: json, video"):
        endings_of(['csv', 'avi'], 3)
    with pytest.raises(ValueError, match='64 classes, but the model has 65'):
        endings_of(['mots_png'], 65)
    assert endings_of(['mots_png'], 64) == {'mots_png': '_mots/'}


def test_every_format_writes_something(result, tmp_path):
    files = result.save(tmp_path, formats=list(FORMATS))
    assert files.keys() == FORMATS.keys()
    for path in files.values():
        assert list(path.iterdir()) if path.is_dir() else path.stat().st_size > 20
    assert len(list(tmp_path.iterdir())) == len(FORMATS)


def test_overlay_and_strip_show_the_tracks(result, tmp_path):
    result.save(tmp_path, formats=('video', 'strip'), score_thr=0.3)
    reader = cv2.VideoCapture(str(tmp_path / 'clip.mp4'))
    assert reader.get(cv2.CAP_PROP_FPS) == 8
    shapes = []
    while (frame := reader.read())[0]:
        shapes.append(frame[1].shape)
    assert shapes == [(360, 540, 3)] * 4  # enlarged 18 times
    strip = cv2.imread(str(tmp_path / 'clip.png'))
    assert strip.shape == (240, 4 * 360 + 3 * 6, 3)
    third = strip[:, 2 * 366 :][:, :360]
    assert np.abs(third[230, 350].astype(int) - 80).max() <= 1


def test_files_are_complete_when_frames_stop_early(result, tmp_path):
    paths = {'video': tmp_path / 'a.mp4', 'csv': tmp_path / 'a.csv'}
    written = write_frames(result.frames(), paths, facts(), 0.3)
    next(written)
    next(written)
    assert list(tmp_path.glob('a.*')) == []  # nothing that is not complete
    written.close()
    assert num_frames_of(tmp_path / 'a.mp4') == 2
    assert len((tmp_path / 'a.csv').read_text().splitlines()) == 1 + 4


def test_interruption_passes_through_with_complete_files(result, tmp_path):
    def interrupted():
        yield from result.frames()
        raise KeyboardInterrupt

    paths = {'video': tmp_path / 'a.mp4'}
    with pytest.raises(KeyboardInterrupt):
        list(write_frames(interrupted(), paths, facts(), 0.3))
    assert num_frames_of(tmp_path / 'a.mp4') == 4


def test_errors_leave_no_files(result, tmp_path):
    def failing():
        yield result.frame(0)
        raise ValueError('the model fails')

    paths = {key: tmp_path / f'a{FORMATS[key].ending}' for key in ('video', 'csv')}
    with pytest.raises(ValueError, match='the model fails'):
        list(write_frames(failing(), paths, facts(), 0.3))
    assert list(tmp_path.iterdir()) == []


def test_frames_pass_with_all_of_their_tracks(result, tmp_path):
    paths = {'csv': tmp_path / 'a.csv'}
    frames = list(write_frames(result.frames(), paths, facts(), 0.7))
    assert [len(frame) for frame in frames] == [2, 2, 1, 3]
    assert len((tmp_path / 'a.csv').read_text().splitlines()) == 1 + 3


def test_every_format_has_its_writer():
    assert list(WRITERS) == list(FORMATS)
