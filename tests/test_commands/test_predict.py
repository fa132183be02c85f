import json

import numpy as np
import pytest
from PIL import Image

from mmvis.apis import init_model
from mmvis.commands.predict import main
from mmvis.zoo import list_models


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / 'walk'
    folder.mkdir()
    for t in range(4):
        image = np.zeros((64, 96, 3), dtype=np.uint8)
        image[10:40, 10 * t : 10 * t + 30] = 200
        Image.fromarray(image).save(folder / f'{t}.png')
    return folder


@pytest.fixture
def checkpoint(tiny_config, tmp_path):
    import torch

    path = tmp_path / 'tiny.pth'
    torch.save(dict(state_dict=init_model(tiny_config).state_dict()), path)
    return path


def test_tracks_of_a_folder_of_frames(
    frames, checkpoint, tiny_config, tmp_path, capsys
):
    out = tmp_path / 'out'
    words = [frames, '--model', tiny_config, '--checkpoint', checkpoint]
    words += ['--out-dir', out, '--formats', 'json', 'csv', '--score-thr', 0]
    main(list(map(str, words)))
    assert sorted(path.name for path in out.iterdir()) == ['walk.csv', 'walk.json']
    record = json.loads((out / 'walk.json').read_text())
    assert record['video_len'] == 4
    assert (
        f'walk: {len(record["tracks"])} tracks in 4 frames' in capsys.readouterr().out
    )


def test_missing_video_is_one_message(checkpoint, tiny_config, capsys):
    words = ['no.mp4', '--model', str(tiny_config), '--checkpoint', str(checkpoint)]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert 'no.mp4' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], '--model is missing'),
        (['--model', 'configs/ifc_r50.py'], '--checkpoint is missing: configs/ifc_r50'),
    ],
)
def test_without_weights_the_zoo_is_named(frames, capsys, words, message):
    with pytest.raises(SystemExit) as end:
        main([str(frames), *words])
    assert end.value.code == 2
    error = ' '.join(capsys.readouterr().err.split())
    assert message in error
    assert '`mmvis models --published`' in error
    assert 'docs/own_data.md' in error
    assert 'tevit_msgshift' in {
        m.name for m in list_models().values() if m.is_published
    }


def test_names_are_escaped(frames, tiny_config, tmp_path, capsys):
    """Those of classes come from the checkpoint, that of the video from its file."""
    import torch

    torch.manual_seed(0)
    checkpoint = tmp_path / 'tiny.pth'
    weights = init_model(tiny_config).state_dict()
    meta = dict(dataset_meta=dict(classes=['\x1b[2J'] * 5))
    torch.save(dict(state_dict=weights, meta=meta), checkpoint)
    video = frames.rename(tmp_path / 'a\x1b[1mb')
    words = [video, '--model', tiny_config, '--checkpoint', checkpoint]
    words += ['--out-dir', tmp_path / 'out', '--formats', 'json']
    words += ['--cfg-options', 'model.test_cfg.score_thr=0']
    main(list(map(str, words)))
    shown = capsys.readouterr()
    assert '\\x1b[2J' in shown.out
    assert 'a\\x1b[1mb: ' in shown.out
    assert '\x1b[2J' not in shown.out + shown.err
    assert '\x1b[1mb' not in shown.out + shown.err
