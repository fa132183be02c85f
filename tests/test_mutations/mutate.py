"""Small data of every kind, and changes of it by structure."""

import copy
import functools
import json
import random

import numpy as np
from hypothesis import strategies as st

from mmvis.testing import rle_of

from .places import parent_of

NAN, INF = float('nan'), float('inf')
# What a place may hold instead: wrong types, limits, and what other files have.
VALUES = (
    None, True, False, 0, 1, 2, 3, 7, -1, -7, 0.0, 1.0, 0.5, 2.5, -0.5, NAN, INF, -INF,
    2**31, 2**32, 2**40, 2**53, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**30,
    10**400, 1e10, 1e11, 1e300, -1e12, 2e8, 65535, 65536, 65537.0, 10**4000,
    '', ' ', '0', '1', 'abc', 'NaN', 'null', 'P2O', 'PP', 'o', '5中4', '5é', '0\0',
    '\x1b[2J', 'a://b.jpg', 'a\0b', '../a.jpg', '猫', '"', '\\',
    [], [[]], [[], []], [0], [1, 2], [None], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5]],
    [[1, 1, 4, 1, 4, 3]], [[1, 1, NAN, 1, 4, 3]], [[-3, -3, 40, 2, 4, 9]],
    [1, 1, 4, 1, 4, 3],
    [[[1, 1], [4, 1], [4, 3]]], [['1'] * 6], [[2e8, 0, 0, 2e8, 3, 3]], [[True] * 6],
    {}, {'a': 1}, {'size': [6, 9]}, {'counts': '0'}, {'size': [6, 9], 'counts': [54]},
    {'size': [9, 6], 'counts': [54]}, {'size': [6, 9], 'counts': []},
    {'size': [6, 9], 'counts': [-1, 55]}, {'size': [6, 9], 'counts': ''},
    {'size': [6, 9], 'counts': [0, 54]}, {'size': [6, 9], 'counts': [2**32, 54]},
    {'size': [6, 9], 'counts': [3, 0, 0, 51]}, {'size': [6.0, 9], 'counts': [54]},
)  # fmt: skip
OPERATIONS = (
    'replace', 'replace', 'delete', 'twice', 'add 1', 'subtract 1', 'wrap', 'copy',
    'new key', 'cut', 'insert',
)  # fmt: skip
TEXTS = (
    'cut', 'key twice', 'byte', 'mark', 'utf-16', 'latin-1', 'constant', 'spaces',
    'more',
)  # fmt: skip

mutations = st.lists(
    st.tuples(
        st.integers(0, 2**12), st.sampled_from(OPERATIONS), st.integers(0, len(VALUES))
    ),
    max_size=3,
)
text_mutations = st.none() | st.tuples(st.sampled_from(TEXTS), st.integers(0, 2**12))
seeds = st.integers(0, 15)


def random_boxes(rng, size, length):
    """Boxes (y1, x1, y2, x2) of the frames of a video, some None."""
    boxes = []
    for _ in range(length):
        y, x = rng.randrange(size[0] - 2), rng.randrange(size[1] - 2)
        box = y, x, rng.randint(y + 1, size[0]), rng.randint(x + 1, size[1])
        boxes.append(box if rng.random() < 0.8 else None)
    return boxes


def encode(box, size, kind):
    y1, x1, y2, x2 = box
    if kind == 'polygon':
        return [[x1, y1, x2, y1, x2, y2, x1, y2]]
    mask = np.zeros(size, np.uint8)
    mask[y1:y2, x1:x2] = 1
    return rle_of(mask, compressed=kind == 'compressed')


@functools.cache
def make_files(seed):
    """Ground truth, results and a record of one seed."""
    rng = random.Random(seed)
    sizes = {3: (6, 9), 5: (5, 7)}
    videos = [
        dict(id=key, height=h, width=w, length=length)
        | dict(file_names=[f'{key}/{t}.jpg' for t in range(length)])
        for (key, (h, w)), length in zip(sizes.items(), (3, 2))
    ]
    annotations, results = [], []
    for number in range(5):
        video = rng.choice(videos)
        size = video['height'], video['width']
        boxes = random_boxes(rng, size, video['length'])
        kind = rng.choice(['compressed', 'uncompressed', 'polygon'])
        category = rng.choice([2, 4])
        annotations.append(
            dict(
                id=number,
                video_id=video['id'],
                category_id=category,
                iscrowd=int(rng.random() < 0.15),
                segmentations=[box and encode(box, size, kind) for box in boxes],
                areas=[box and (box[2] - box[0]) * (box[3] - box[1]) for box in boxes],
                bboxes=[b and [b[1], b[0], b[3] - b[1], b[2] - b[0]] for b in boxes],
            )
        )
        for _ in range(rng.randrange(3)):
            others = random_boxes(rng, size, video['length'])
            mixed = [b if rng.random() < 0.8 else o for b, o in zip(boxes, others)]
            entry = dict(
                video_id=video['id'],
                category_id=rng.choice([category, 2]),
                score=rng.choice([0.2, 0.5, 0.5, 0.9, rng.random()]),
                segmentations=[b and encode(b, size, 'compressed') for b in mixed],
            )
            results.append(entry)
    names = {2: 'cat', 4: 'dog', 9: 'owl'}
    categories = [dict(id=key, name=name) for key, name in names.items()]
    gt = dict(info={}, videos=videos, annotations=annotations, categories=categories)
    return gt, results, make_record(rng)


def make_record(rng):
    size = (6, 9)
    tracks = {key: random_boxes(rng, size, 3) for key in ('0', '3')}
    return dict(
        video_id=4,
        video_len=3,
        ori_shape=list(size),
        tracks=[
            dict(instance_id=key, label=label, score=rng.random())
            for label, key in enumerate((0, 3, 3))
        ],
        bboxes={
            key: [box and [*map(float, box)] for box in boxes]
            for key, boxes in tracks.items()
        },
        masks={
            key: [box and encode(box, size, 'compressed') for box in boxes]
            for key, boxes in tracks.items()
        },
    )


def change(parent, key, operation, which, whole):
    old, value = parent[key], copy.deepcopy(VALUES[which % len(VALUES)])
    if operation == 'delete':
        del parent[key]
    elif operation == 'twice' and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(old))
    elif operation in ('add 1', 'subtract 1') and type(old) in (int, float):
        parent[key] = old + (1 if operation == 'add 1' else -1)
    elif operation == 'wrap':
        parent[key] = [old]
    elif operation == 'copy':
        content, paths = whole
        other = paths[which % 7 * 13 % len(paths)]
        parent[key] = copy.deepcopy(parent_of(content, other)[other[-1]])
    elif operation == 'new key' and isinstance(old, dict):
        old['more'] = value
    elif operation == 'cut' and isinstance(old, str | list):
        parent[key] = old[:-1]
    elif operation == 'insert' and isinstance(parent, list):
        parent.insert(key, value)
    else:
        parent[key] = value


def to_bytes(content, step):
    """Write content as JSON, and change the text."""
    text = json.dumps(content)
    if step is None:
        return text.encode()
    kind, where = step
    place = where * 37 % (len(text) + 1)
    if kind == 'cut':
        return text[:place].encode()
    if kind == 'byte':
        data = bytearray(text.encode())
        data[place % len(data)] = where % 256
        return bytes(data)
    if kind == 'key twice':
        colons = [i for i, char in enumerate(text) if text[i : i + 2] == '":']
        if not colons:
            return text.encode()
        end = colons[where % len(colons)] + 1
        start = text.rfind('"', 0, end - 1)
        return (text[:start] + text[start:end] + ': 1, ' + text[start:]).encode()
    if kind == 'constant':
        return text.replace(
            'null', ('NaN', 'Infinity', '-Infinity')[where % 3], 1
        ).encode()
    if kind in ('utf-16', 'latin-1'):
        return text.replace('cat', 'caté').encode(kind)
    if kind == 'spaces':
        return json.dumps(content, indent=where % 3, ensure_ascii=False).encode()
    return b'\xef\xbb\xbf' + text.encode() if kind == 'mark' else text.encode() + b' ]'
