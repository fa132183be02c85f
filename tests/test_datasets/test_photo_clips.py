import json

import cv2
import numpy as np
import pytest

from mmvis.commands.data.clips import main
from mmvis.datasets import YouTubeVISDataset
from mmvis.structures.rle import decode_mask
from mmvis.testing import rle_of

SIZE = (96, 128)


@pytest.fixture
def photos(tmp_path):
    """Three photos: a red square on black, with a white crowd; the last has neither."""
    annotations = []
    for photo_id in (3, 5, 8):
        img = np.zeros((*SIZE, 3), dtype=np.uint8)
        if photo_id != 8:
            square, crowd = np.zeros((2, *SIZE), dtype=np.uint8)
            square[30:60, 20 + photo_id : 60] = 1
            crowd[70:90, 40:100] = 1
            img[square == 1] = 0, 0, 255
            img[crowd == 1] = 255
            for number, mask in enumerate((square, crowd)):
                annotations.append(
                    dict(
                        id=10 * photo_id + number,
                        image_id=photo_id,
                        category_id=(7, 2)[number],
                        segmentation=rle_of(mask, compressed=False),
                        area=int(mask.sum()),
                        bbox=[0, 0, 1, 1],
                        iscrowd=number,
                    )
                )
        cv2.imwrite(str(tmp_path / f'{photo_id}.png'), img)
    content = dict(
        images=[
            dict(id=i, file_name=f'{i}.png', height=SIZE[0], width=SIZE[1])
            for i in (3, 5, 8)
        ],
        categories=[dict(id=7, name='square'), dict(id=2, name='people')],
        annotations=annotations,
    )
    (tmp_path / 'photos.json').write_text(json.dumps(content))
    return [str(tmp_path / 'photos.json'), str(tmp_path)]


def test_masks_move_with_the_pixels(photos, tmp_path, capsys):
    out = tmp_path / 'clips'
    main([*photos, str(out), '--num-frames', '3'])
    assert f'Wrote {out}/valid.json: 3 videos, 4 objects' in capsys.readouterr().out
    content = json.loads((out / 'valid.json').read_text())
    assert [video['length'] for video in content['videos']] == [3, 3, 3]
    names = {category['id']: category['name'] for category in content['categories']}
    assert names == {7: 'square', 2: 'people'}
    videos = {video['id']: video for video in content['videos']}
    moves = []
    for track in content['annotations']:
        assert track['iscrowd'] == (track['category_id'] == 2)
        channel = {7: lambda img: (img[..., 2] > 128) & (img[..., 0] < 100)}.get(
            track['category_id'], lambda img: (img > 180).all(-1)
        )
        for name, rle in zip(
            videos[track['video_id']]['file_names'], track['segmentations']
        ):
            seen = channel(cv2.imread(str(out / 'JPEGImages' / name)))
            mask = decode_mask(rle, *SIZE) == 1
            assert (seen & mask).sum() / (seen | mask).sum() > 0.85
        moves.append(track['bboxes'][0] != track['bboxes'][-1])
    assert all(moves)


def test_the_set_can_be_loaded_and_is_the_same_for_a_seed(photos, tmp_path):
    for name, seed in (('a', '1'), ('b', '1'), ('c', '2')):
        main([*photos, str(tmp_path / name), '--seed', seed, '--num-frames', '2'])
    a, b, c = ((tmp_path / name / 'valid.json').read_text() for name in 'abc')
    assert a == b != c
    dataset = YouTubeVISDataset(
        'valid.json', data_root=str(tmp_path / 'a'), test_mode=True
    )
    assert [len(record['instances']) for record in dataset] == [1, 1, 0]


def test_a_photo_that_is_missing_leaves_nothing(photos, tmp_path, capsys):
    (tmp_path / '8.png').rename(tmp_path / 'away.png')
    for _ in range(2):
        with pytest.raises(SystemExit):
            main([*photos, str(tmp_path / 'clips')])
        assert '8.png' in capsys.readouterr().err
    (tmp_path / 'away.png').rename(tmp_path / '8.png')
    main([*photos, str(tmp_path / 'clips')])
    assert not list((tmp_path / 'clips').glob('.*'))


def test_objects_that_no_frame_shows_are_left_out(photos, tmp_path):
    content = json.loads((tmp_path / 'photos.json').read_text())
    corner = np.zeros(SIZE, dtype=np.uint8)
    corner[0, 0] = 1
    content['annotations'][0]['segmentation'] = rle_of(corner, compressed=False)
    (tmp_path / 'photos.json').write_text(json.dumps(content))
    main([*photos, str(tmp_path / 'clips')])
    tracks = json.loads((tmp_path / 'clips' / 'valid.json').read_text())['annotations']
    assert len(tracks) == 3
    assert all(any(track['segmentations']) for track in tracks)


def test_clips_of_two_sets_do_not_mix(photos, tmp_path, capsys):
    main([*photos, str(tmp_path / 'clips'), '--num-frames', '1'])
    with pytest.raises(SystemExit) as end:
        main([*photos, str(tmp_path / 'clips')])
    assert end.value.code == 2
    assert 'has files already' in capsys.readouterr().err
