import json

import numpy as np
import pytest

from mmvis.apis import VISInferencer
from mmvis.demo_page import VideoSearch, find_choices
from mmvis.errors import UserValueError

MODEL = 'tiny (iter_7.pth)'


@pytest.fixture
def search(trained, tmp_path):
    return VideoSearch(find_choices([str(trained)]), tmp_path, device='cpu')


def test_frames_come_one_by_one_and_then_the_files(search, video, trained):
    num_read = []
    *steps, last = search(video, MODEL, 0.2, ['json', 'csv'], num_read.append)
    assert sum(num_read) == 7
    assert steps[0].status == f'Loading {MODEL} …'
    assert all(step.result is None for step in steps)
    wanted = VISInferencer(trained / 'ifc_tiny.py', trained / 'iter_7.pth', 'cpu')(
        video, show_progress=False
    )
    assert [t.score for t in last.result] == pytest.approx([t.score for t in wanted])
    shown = sum(track.score >= 0.2 for track in wanted)
    assert last.status == f'Done: {shown} tracks in 7 frames.'
    assert last.picture.shape == (384, 576, 3)  # enlarged, so that names can be read
    assert {key: path.name for key, path in last.files.items()} == {
        'json': 'dog.json',
        'csv': 'dog.csv',
    }
    assert json.loads(last.files['json'].read_text())['video_len'] == 7


def test_pictures_are_rgb(search, tmp_path):
    import cv2

    frames = tmp_path / 'red'
    frames.mkdir()
    for t in range(2):
        image = np.zeros((64, 96, 3), np.uint8)
        image[..., 2] = 250
        cv2.imwrite(str(frames / f'{t}.png'), image)
    *_, last = search(frames, MODEL, 1.0, ['json'])  # nothing is drawn
    assert last.picture[..., 0].min() > 200
    assert last.picture[..., 2].max() < 50


def test_a_video_gets_a_folder_of_its_own(search, video):
    *_, first = search(video, MODEL, 0.3, ['csv'])
    *_, second = search(video, MODEL, 0.3, ['csv'])
    assert first.files['csv'].name == second.files['csv'].name
    assert first.files['csv'].parent != second.files['csv'].parent


def test_only_given_models_run(search, video, trained):
    with pytest.raises(UserValueError, match='There is no model'):
        list(search(video, str(trained / 'ifc_tiny.py'), 0.3, ['json']))
    with pytest.raises(UserValueError, match='There is no video yet'):
        list(search(None, MODEL, 0.3, ['json']))
