import cv2
import numpy as np
import pytest

from mmvis.sources import FrameFiles, ImageSource, natural_key


def write_images(folder, names):
    for i, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((8, 12, 3), 10 * i, np.uint8))
    return [folder / name for name in names]


def test_numbers_in_names_count_as_numbers():
    names = ['f10.png', 'f2.png', 'f1.png', 'a3b20.png', 'a3b7.png', 'f02.png', '9']
    assert sorted(names, key=natural_key) == [
        *('9', 'a3b7.png', 'a3b20.png', 'f1.png', 'f02.png', 'f2.png', 'f10.png')
    ]
    assert sorted(['10.png', 'x.png', '9.png'], key=natural_key)[0] == '9.png'


def test_frames_with_times(tmp_path):
    source = ImageSource(write_images(tmp_path, ['a.png', 'b.png', 'c.png']), fps=4)
    frames = list(source)
    assert source.num_frames == 3
    assert [frame.time for frame in frames] == [0, 0.25, 0.5]
    assert [frame.load()[0, 0, 0] for frame in frames] == [0, 10, 20]
    assert frames[1].label == f'frame 1 ({tmp_path}/b.png)'


def test_each_file_is_read_when_it_is_needed(tmp_path):
    paths = write_images(tmp_path, ['a.png', 'b.png'])
    source = ImageSource(paths)
    paths[1].unlink()
    frames = list(source)
    assert frames[0].load().shape == (8, 12, 3)
    with pytest.raises(FileNotFoundError, match=r'b\.png'):
        frames[1].load()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'a.jpg is not an image.* is empty'),
        (b'no image', r'a\.jpg is not an image, or not'),
    ],
)
def test_files_that_are_no_images(tmp_path, content, message):
    (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        FrameFiles([str(tmp_path / 'a.jpg')])[0]


def test_jpeg_that_was_cut_off_is_not_taken_for_a_grey_one(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r'a\.jpg is not an image, or not a complete'):
        FrameFiles([str(path)])[0]


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


def test_slice_of_frames(tmp_path):
    paths = write_images(tmp_path, [f'{i}.png' for i in range(5)])
    frames = FrameFiles([str(path) for path in paths])
    chosen = frames[1::2]
    assert len(chosen) == 2
    assert [frame[0, 0, 0] for frame in chosen] == [10, 30]
    assert [frame[0, 0, 0] for frame in reversed(chosen)] == [30, 10]
