import json

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as mask_util

from mmvis.outputs.mask_images import _Numbers, davis_palette


def test_davis_palette():
    """The first colours of DAVIS and PASCAL VOC."""
    assert davis_palette()[:9].tolist() == [
        *([0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]),
        *([128, 0, 128], [0, 128, 128], [128, 128, 128], [64, 0, 0]),
    ]
    assert davis_palette()[255].tolist() == [224, 224, 192]


def test_id_images(result, tmp_path):
    folder = result.save(tmp_path, formats='masks')['masks']
    names = sorted(path.name for path in folder.iterdir())
    assert names == [*(f'0000{t}.png' for t in range(4)), 'tracks.json']
    image = Image.open(folder / '00000.png')
    assert image.mode == 'P'
    assert np.array_equal(np.reshape(image.getpalette(), (-1, 3)), davis_palette())
    ids = np.asarray(image)
    assert ids.shape == (20, 30)
    assert (ids[4:10, 2:12] == 1).all()  # the dog lies on top
    assert (ids == 2).sum() == 160 - 30
    assert (ids == 0).sum() == 600 - 60 - 130
    tracks = json.loads((folder / 'tracks.json').read_text())
    assert [tracks[key]['track_id'] for key in ('1', '2')] == [4, 5]
    assert tracks['2']['class'] == 'bird'


def test_mots(result, tmp_path):
    files = result.save(tmp_path, formats=('mots', 'mots_png'), score_thr=0)
    lines = [line.split(' ') for line in files['mots'].read_text().splitlines()]
    assert [line[:5] for line in lines] == [
        ['0', '2001', '2', '20', '30'],
        ['0', '3001', '3', '20', '30'],
        ['1', '2001', '2', '20', '30'],
        ['1', '3001', '3', '20', '30'],
        ['2', '3001', '3', '20', '30'],
        ['3', '2001', '2', '20', '30'],
        ['3', '3001', '3', '20', '30'],
        ['3', '1001', '1', '20', '30'],
    ]
    image = cv2.imread(str(files['mots_png'] / '000000.png'), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16
    for _, value, _, height, width, counts in lines[:2]:
        rle = dict(size=[int(height), int(width)], counts=counts)
        assert np.array_equal(mask_util.decode(rle) == 1, image == int(value))
    assert (image == 3001).sum() == 160 - 30


def test_numbers_end(capsys):
    numbers = _Numbers(2, 'a.png holds 2 tracks')
    given = [numbers.of(track) for track in (8, 3, 8, 5, 6, 3)]
    assert given == [1, 2, 1, None, None, 2]
    assert capsys.readouterr().err == (
        'warning: a.png holds 2 tracks; those that appear later are left out.\n'
    )
