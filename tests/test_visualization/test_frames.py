import cv2
import numpy as np
import pytest

from mmvis.visualization.frames import FrameFiles, enlargement


def test_frames_are_loaded_as_bgr(tmp_path):
    paths = [str(tmp_path / f'{i}.png') for i in range(3)]
    for i, path in enumerate(paths):
        cv2.imwrite(path, np.full((4, 6, 3), (i, 20, 30), np.uint8))
    frames = FrameFiles(paths)
    assert len(frames) == 3
    assert frames[2].shape == (4, 6, 3)
    assert [frame[0, 0].tolist() for frame in frames] == [
        [0, 20, 30],
        [1, 20, 30],
        [2, 20, 30],
    ]


def test_broken_file_is_named(tmp_path):
    (tmp_path / 'bad.jpg').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'bad\.jpg is not an image'):
        FrameFiles([str(tmp_path / 'bad.jpg')])[0]


@pytest.mark.parametrize(('side', 'factor'), [(96, 3), (240, 1), (239, 2), (720, 1)])
def test_enlargement_reaches_the_side(side, factor):
    assert enlargement(np.zeros((side, 2 * side, 3)), 240) == factor
