"""Every command of docs/own_data.md, in its order, on a small generated set."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmvis.testing.tiny_video import make_tiny_video

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'own_data.md'
# The same config, smaller: no download, two iterations, no workers.
SMALLER = [
    'model.backbone.init_cfg=None',
    'max_iters=2',
    'train_dataloader.batch_size=1',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'test_dataloader.num_workers=0',
    'test_dataloader.persistent_workers=False',
    'param_scheduler=None',
    'default_hooks.checkpoint.interval=2',
]


def read_commands():
    commands = []
    for body in re.findall(r'^```bash\n(.*?)^```$', PAGE.read_text(), re.M | re.S):
        for line in body.replace('\\\n', ' ').splitlines():
            commands.append(shlex.split(line))
    return commands


def make_masks(root):
    """Two videos of 4 frames, a square that moves; its ids as PNG."""
    for video, start in (('tank_1', 4), ('tank_2', 20)):
        for t in range(4):
            ids = np.zeros((48, 64), dtype=np.uint8)
            ids[10:30, start + 2 * t : start + 2 * t + 20] = 1
            mask = root / 'masks' / video / f'{t:05d}.png'
            frame = root / 'JPEGImages' / video / f'{t:05d}.jpg'
            for path, image in ((mask, ids), (frame, ids * 200)):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(path)


@pytest.mark.slow
def test_from_masks_to_an_ap_and_an_overlay(tmp_path):
    make_masks(tmp_path / 'data' / 'own')
    make_tiny_video(tmp_path / 'tank_3.mp4', num_frames=3)
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    for words in read_commands():
        words = [word.replace('iter_1600', 'iter_2') for word in words]
        if words[1] in ('train', 'test'):
            words += SMALLER  # --cfg-options come last on the page
        elif words[1] == 'predict':
            words += ['--cfg-options', SMALLER[0]]
        elif words[1] == 'data' and words[2] == 'split':
            words[-1] = '0.5'
        code = 'from mmvis.commands import main; main()'
        done = subprocess.run(
            [sys.executable, '-c', code, *words[1:]],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f'{words}\n{done.stdout}\n{done.stderr}'
        if words[1] == 'test':
            assert '| videos | AP' in done.stdout
    own = tmp_path / 'data' / 'own'
    assert [len(json.loads((own / name).read_text())['videos'])
            for name in ('train.json', 'train_train.json', 'train_val.json')
            ] == [2, 1, 1]  # fmt: skip
    assert {'AP', 'AP50'} <= json.loads((tmp_path / 'ap.json').read_text()).keys()
    assert len(list((own / 'JPEGImages' / 'tank_3').iterdir())) == 3
    for name in ('tank_1.mp4', 'tank_1.json'):
        assert (tmp_path / 'outputs' / name).stat().st_size
    assert json.loads((own / 'clean.json').read_text())
