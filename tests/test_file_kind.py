import os
import socket

import pytest

from mmvis.converters.checkpoint_file import read_checkpoint
from mmvis.datasets.transforms import LoadFrameFromFile
from mmvis.evaluation.json_files import read_ground_truth
from mmvis.file_kind import check_is_file, describe_content
from mmvis.sources import FrameFiles, VideoFile
from mmvis.structures.packed_file import read_content


def load_frame(path):
    frame = dict(img_path=str(path), frame_id=0, video_id=1, height=8, width=9)
    return LoadFrameFromFile().transform(frame)


@pytest.fixture(params=['folder', 'named pipe', 'device', 'socket'])
def no_file(request, tmp_path):
    """Something of each kind that is there, but which no reader may open."""
    path = tmp_path / 'x'
    if request.param == 'folder':
        path.mkdir()
    elif request.param == 'named pipe':
        os.mkfifo(path)  # a reader would wait for ever
    elif request.param == 'device':
        path.symlink_to('/dev/zero')  # and read for ever
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))
    return path, request.param


@pytest.mark.parametrize(
    'read',
    [
        read_content,
        read_checkpoint,
        VideoFile,
        lambda path: FrameFiles([path])[0],
        load_frame,
    ],
    ids=['json', 'checkpoint', 'video', 'image', 'training image'],
)
def test_what_is_no_file_is_not_read(read, no_file):
    path, kind = no_file
    with pytest.raises(ValueError, match=rf'x.* is a {kind}'):
        read(path)


def test_files_and_what_does_not_exist_pass(tmp_path):
    (tmp_path / 'a').touch()
    (tmp_path / 'loop').symlink_to(tmp_path / 'loop')
    for name in ('a', 'b', 'loop', 'no\0name'):
        check_is_file(tmp_path / name)


POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'
PAGE = b'\n<!DOCTYPE html><html><body>Sign in</body></html>'


@pytest.mark.parametrize(
    ('content', 'description'),
    [
        (b'', ' The file is empty.'),
        (POINTER, ' The file is a pointer of Git LFS; `git lfs pull` gets the file.'),
        (
            PAGE,
            ' The file is a web page, e.g. one to log in; download the file',
        ),
        (b'\x1f\x8b\x08', ' The file is packed with gzip; unpack it.'),
        (b'{"a": 1}', ''),
    ],
)
def test_descriptions(content, description):
    assert describe_content(content).startswith(description)
    assert bool(describe_content(content)) == bool(description)


@pytest.mark.parametrize(
    ('content', 'kind'), [(POINTER, 'Git LFS'), (PAGE, 'web page')]
)
@pytest.mark.parametrize(
    ('read', 'suffix'),
    [
        (read_checkpoint, 'pth'),
        (read_checkpoint, 'pkl'),
        (read_checkpoint, 'safetensors'),
        (lambda path: VideoFile(path).num_frames, 'mp4'),
        (lambda path: FrameFiles([path])[0], 'png'),
        (load_frame, 'jpg'),
        (read_ground_truth, 'json'),
    ],
)
def test_every_reader_names_the_kind(read, suffix, content, kind, tmp_path):
    path = tmp_path / f'a.{suffix}'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf'a\.{suffix}.*{kind}'):
        read(path)
