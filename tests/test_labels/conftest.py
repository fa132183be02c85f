import json

import msgspec
import numpy as np
import pytest
from PIL import Image

from mmvis.labels.label_set import add_annotation, encode_mask
from mmvis.structures.ytvis_json import parse_ytvis

HEIGHT, WIDTH = 9, 12


def box_mask(x, y, w, h):
    """RLE of a box."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[y : y + h, x : x + w] = 1
    return encode_mask(mask)


@pytest.fixture
def labels():
    """Two videos of 3 and 2 frames, three tracks, one of them not seen at times."""
    size = dict(height=HEIGHT, width=WIDTH)
    videos = [
        dict(
            id=5,
            length=3,
            file_names=[f'zoo/{t:05d}.jpg' for t in range(3)],
            **size,
        ),
        dict(id=8, length=2, file_names=['b/a/00002.jpg', 'b/a/00010.jpg'], **size),
    ]
    names = {3: 'cat', 4: 'dog'}
    labels = dict(
        videos=videos,
        categories=[dict(id=k, name=v) for k, v in names.items()],
        annotations=[],
    )
    masks = [box_mask(0, 0, 2, 3), None, box_mask(1, 1, 2, 3)]
    add_annotation(labels, 5, 4, masks)
    masks = [None, box_mask(5, 2, 4, 4), box_mask(6, 2, 4, 4)]
    add_annotation(labels, 5, 3, masks)
    add_annotation(labels, 8, 4, [box_mask(3, 3, 3, 2), box_mask(4, 3, 3, 2)])
    parse_ytvis(msgspec.json.encode(labels), 'labels', ('file_names',))
    return labels


@pytest.fixture
def frames(labels, tmp_path):
    """The frames of the labels, grey."""
    root = tmp_path / 'JPEGImages'
    for video in labels['videos']:
        for name in video['file_names']:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new('RGB', (WIDTH, HEIGHT)).save(root / name)
    return root


@pytest.fixture
def ann_file(labels, tmp_path):
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(labels))
    return path
