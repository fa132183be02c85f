"""Ctrl-C in a process that writes: every format has the frames up to then."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.outputs import FORMATS, VideoResult
from mmvis.sources import ArrayFrames
from mmvis.structures import read_video_record

ROOT = Path(__file__).resolve().parents[2]
NUM_FRAMES = 1000
# The record is there, as it is when `mmvis predict` writes its files.
SCRIPT = """
import signal, sys
from pathlib import Path

sys.path.insert(0, 'tests/test_outputs')
signal.signal(signal.SIGINT, signal.default_int_handler)
from mmvis.outputs import FORMATS
from test_interrupted import make_result

folder = Path(sys.argv[1])
paths = {key: folder / f'v{format.ending}' for key, format in FORMATS.items()}
for number, _ in enumerate(make_result().write(paths, 0.0)):
    print(number, flush=True)
"""


def make_result():
    """A video of grey frames with a square that moves."""
    masks, boxes = [], []
    for t in range(NUM_FRAMES):
        mask = np.zeros((48, 64), dtype=np.uint8)
        mask[10:30, t % 40 : t % 40 + 20] = 1
        masks.append(mask_utils.encode(np.asfortranarray(mask)))
        boxes.append([t % 40, 10, t % 40 + 20, 30])
    record = InstanceData(
        labels=torch.tensor([0]),
        scores=torch.tensor([0.9]),
        masks=[masks],
        bboxes=[boxes],
        instances_id=torch.tensor([1]),
    )
    return VideoResult(
        record,
        ori_shape=(48, 64),
        times=[t / 25 for t in range(NUM_FRAMES)],
        classes=('cat',),
        cat_ids=[1],
        source=ArrayFrames(np.full((NUM_FRAMES, 48, 64, 3), 90, dtype=np.uint8), 25),
    )


@pytest.fixture(scope='module')
def interrupted(tmp_path_factory):
    """The folder of the outputs, and the number of frames when Ctrl-C came."""
    folder = tmp_path_factory.mktemp('outputs')
    (folder / 'v_masks').mkdir()
    (folder / 'v_mots').mkdir()
    process = subprocess.Popen(
        [sys.executable, '-c', SCRIPT, str(folder)],
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.strip() == '20':
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=60)
    assert 'KeyboardInterrupt' in errors
    assert process.returncode != 0
    num_frames = int((rest.split() or ['20'])[-1]) + 1
    assert 20 < num_frames < NUM_FRAMES
    return folder, num_frames


def count_video(path):
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


def count_images(path):
    files = sorted(path.glob('*.png'))
    for file in files:
        with Image.open(file) as image:
            assert np.asarray(image).any()
    return len(files)


def count_rows(path):
    with path.open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert all(row['area'] == '400' for row in rows)
    return len(rows)


def count_strip(path):
    with Image.open(path) as image:
        image.load()


def count_record(path):
    return read_video_record(path).video_len


def count_results(path):
    (entry,) = json.loads(path.read_text())
    return len(entry['segmentations'])


def count_lines(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line['frame'] for line in lines] == list(range(len(lines)))
    return len(lines)


COUNTS = {
    'json': count_record,
    'video': count_video,
    'strip': count_strip,
    'masks': count_images,
    'csv': count_rows,
    'jsonl': count_lines,
    'coco': lambda path: len(json.loads(path.read_text())['images']),
    'ytvis': count_results,
    'mots': lambda path: len(path.read_text().splitlines()),
    'mots_png': count_images,
}


@pytest.mark.parametrize('key', FORMATS)
def test_files_are_valid_and_have_the_frames_so_far(interrupted, key):
    folder, num_frames = interrupted
    count = COUNTS[key](folder / f'v{FORMATS[key].ending}')
    if key in ('json', 'ytvis'):  # of the record, which was there before
        assert count == NUM_FRAMES
    elif key != 'strip':
        # The frame that was being written is whole, too.
        assert count in (num_frames, num_frames + 1)


def test_no_temporary_file_is_left(interrupted):
    assert not list(interrupted[0].rglob('.*'))
