import hashlib
import json
from dataclasses import replace

import numpy as np
import pycocotools.mask as mask_api
import pytest
from PIL import Image

from mmvis.datasets.shapes_vis import (
    CATEGORIES,
    SIZES,
    generate_shapes_vis,
    is_finished,
)

#: Of mini with seed 0: what every machine has to give. A change of these is a
#: change of GENERATOR_VERSION.
SHA256 = dict(
    train='211824960a0bcf75b19df3795c8f41027954c22ff3c19d632a65247f13a07d06',
    valid='3c13349fdc2cc637a4f2e2b33ea69aff4a721e1fbf5c8fafe994c82735082bce',
    frames='9bb36e9b67a09c949aa6dbf15d2ee67b3a928fd7d3aaa73149ced3fef6516c1d',
)
TINY = replace(
    SIZES['mini'],
    num_train=2,
    num_valid=1,
    num_train_frames=3,
    num_valid_frames=2,
    height=32,
    width=40,
)


@pytest.fixture(scope='module')
def mini(tmp_path_factory):
    folder = tmp_path_factory.mktemp('shapes') / 'mini'
    assert generate_shapes_vis(folder, SIZES['mini'])
    return folder


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.mark.parametrize('split', ['train', 'valid'])
def test_json_is_the_same_everywhere(mini, split):
    digest = hashlib.sha256((mini / f'{split}.json').read_bytes()).hexdigest()
    assert digest == SHA256[split]


def test_decoded_frames_are_the_same_everywhere(mini):
    digest = hashlib.sha256()
    for path in sorted(mini.rglob('*.jpg')):
        digest.update(np.asarray(Image.open(path)).tobytes())
    assert digest.hexdigest() == SHA256['frames']


@pytest.mark.parametrize('split', ['train', 'valid'])
def test_annotations_agree_with_each_other_and_with_the_frames(mini, split):
    content = json.loads((mini / f'{split}.json').read_text())
    names = [category['name'] for category in content['categories']]
    assert names == list(CATEGORIES)
    assert [c['id'] for c in content['categories']] == [1, 2, 3, 4, 5]
    ids = [annotation['id'] for annotation in content['annotations']]
    assert ids == list(range(1, len(ids) + 1))
    for video in content['videos']:
        assert len(video['file_names']) == video['length']
        for name in video['file_names']:
            with Image.open(mini / split / 'JPEGImages' / name) as image:
                assert image.size == (video['width'], video['height'])
        tracks = [a for a in content['annotations'] if a['video_id'] == video['id']]
        assert tracks
        for frame_id in range(video['length']):
            total = np.zeros((video['height'], video['width']), dtype=np.int64)
            for track in tracks:
                rle = track['segmentations'][frame_id]
                if rle is None:
                    assert track['bboxes'][frame_id] is None
                    assert track['areas'][frame_id] is None
                    continue
                assert mask_api.area(rle) == track['areas'][frame_id]
                box = mask_api.toBbox(rle).tolist()
                assert box == track['bboxes'][frame_id]
                total += mask_api.decode(rle)
            assert total.max() <= 1


def test_bytes_do_not_depend_on_the_workers(tmp_path):
    generate_shapes_vis(tmp_path / 'one', TINY, num_workers=1)
    generate_shapes_vis(tmp_path / 'two', TINY, num_workers=2)
    assert _files(tmp_path / 'one') == _files(tmp_path / 'two')


def test_more_videos_leave_the_first_ones_as_they_were(tmp_path):
    generate_shapes_vis(tmp_path / 'few', TINY)
    generate_shapes_vis(tmp_path / 'more', replace(TINY, num_train=3))
    few, more = _files(tmp_path / 'few'), _files(tmp_path / 'more')
    frames = {name for name in few if name.endswith('.jpg')}
    assert all(few[name] == more[name] for name in frames)
    assert len(more) == len(few) + 3


def test_seed_changes_every_video(tmp_path):
    generate_shapes_vis(tmp_path / 'a', TINY)
    generate_shapes_vis(tmp_path / 'b', replace(TINY, seed=1))
    a, b = _files(tmp_path / 'a'), _files(tmp_path / 'b')
    assert a.keys() == b.keys()
    assert all(a[name] != b[name] for name in a)


def test_finished_set_is_not_changed(tmp_path):
    calls = []
    assert not is_finished(tmp_path / 'set', TINY)
    assert generate_shapes_vis(tmp_path / 'set', TINY, 1, lambda: calls.append(1))
    assert len(calls) == 3
    before = (tmp_path / 'set' / 'train.json').stat().st_mtime_ns
    assert is_finished(tmp_path / 'set', TINY)
    assert not generate_shapes_vis(tmp_path / 'set', TINY)
    assert (tmp_path / 'set' / 'train.json').stat().st_mtime_ns == before


def test_interrupted_generation_is_redone(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_shapes_vis(tmp_path / 'set', TINY, on_video=interrupt)
    assert not (tmp_path / 'set').exists()
    assert generate_shapes_vis(tmp_path / 'set', TINY)
    generate_shapes_vis(tmp_path / 'fresh', TINY)
    assert _files(tmp_path / 'set') == _files(tmp_path / 'fresh')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['fresh', 'set']


def test_other_content_is_never_overwritten(tmp_path):
    generate_shapes_vis(tmp_path / 'set', TINY)
    with pytest.raises(FileExistsError, match=r"'seed': \(0, 5\)"):
        generate_shapes_vis(tmp_path / 'set', replace(TINY, seed=5))
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'photo.jpg').write_bytes(b'x')
    with pytest.raises(FileExistsError, match='not a ShapesVIS set'):
        generate_shapes_vis(tmp_path / 'mine', TINY)
    assert (tmp_path / 'mine' / 'photo.jpg').read_bytes() == b'x'
