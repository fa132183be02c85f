import json

import numpy as np
import pytest
from PIL import Image

from mmvis.errors import UserValueError
from mmvis.labels import convert_labels
from mmvis.structures.ytvis_json import read_coco_json, read_ytvis_json


def convert(src, dst, source, target, **options):
    return convert_labels(
        src, dst, source_format=source, target_format=target, **options
    )


def tracks_of(labels):
    """Class, masks and frames of each track: what a conversion must keep."""
    names = {c['id']: c['name'] for c in labels['categories']}
    files = {v['id']: v['file_names'] for v in labels['videos']}
    return sorted(
        (
            files[item['video_id']],
            names[item['category_id']],
            [mask and mask['counts'] for mask in item['segmentations']],
        )
        for item in labels['annotations']
    )


def test_ytvis_to_ytvis_keeps_everything(labels, ann_file, tmp_path):
    convert(ann_file, tmp_path / 'out.json', 'ytvis', 'ytvis')
    assert json.loads((tmp_path / 'out.json').read_text()) == labels


@pytest.mark.parametrize('target', ['cocovid', 'davis', 'mots'])
def test_there_and_back_keeps_tracks(labels, ann_file, frames, tmp_path, target):
    other = tmp_path / ('other.json' if target == 'cocovid' else 'other')
    convert(ann_file, other, 'ytvis', target)
    back = convert(other, tmp_path / 'back.json', target, 'ytvis', frames=frames)
    assert tracks_of(back) == tracks_of(labels)
    assert read_ytvis_json(tmp_path / 'back.json')['videos'] == back['videos']
    if target != 'mots':  # it counts classes from 1
        assert back['categories'] == labels['categories']
    if target == 'cocovid':
        assert [v['id'] for v in back['videos']] == [5, 8]


def test_coco_gets_one_image_for_each_frame(labels, ann_file, tmp_path):
    convert(ann_file, tmp_path / 'coco.json', 'ytvis', 'coco')
    images = read_coco_json(tmp_path / 'coco.json')
    assert len(images['videos']) == 5
    assert len(images['annotations']) == 6
    back = convert(tmp_path / 'coco.json', tmp_path / 'v.json', 'coco', 'ytvis')
    assert [v['length'] for v in back['videos']] == [1] * 5
    areas = sorted(item['areas'][0] for item in back['annotations'])
    assert areas == [6, 6, 6, 6, 16, 16]


def test_polygons_become_masks(ann_file, labels, tmp_path):
    labels['annotations'][0]['segmentations'][0] = [[0, 0, 2, 0, 2, 3, 0, 3]]
    ann_file.write_text(json.dumps(labels))
    back = convert(ann_file, tmp_path / 'out.json', 'ytvis', 'ytvis')
    assert back['annotations'][0]['areas'] == [6, None, 6]


def test_255_is_void_where_there_are_other_ids(tmp_path):
    folder = tmp_path / 'masks' / 'dog'
    folder.mkdir(parents=True)
    ids = np.zeros((4, 5), dtype=np.uint8)
    ids[0, 0] = 255
    Image.fromarray(ids).save(folder / '00000.png')
    only = convert(tmp_path / 'masks', tmp_path / 'a.json', 'davis', 'ytvis')
    assert [item['areas'] for item in only['annotations']] == [[1]]
    assert [c['name'] for c in only['categories']] == ['object']
    ids[1, 1:4] = 2
    Image.fromarray(ids).save(folder / '00000.png')
    options = dict(classes=['dog'])
    both = convert(tmp_path / 'masks', tmp_path / 'a.json', 'davis', 'ytvis', **options)
    assert [item['areas'] for item in both['annotations']] == [[3]]
    assert [c['name'] for c in both['categories']] == ['dog']


def test_pixels_alone_do_not_tell_several_classes_apart(tmp_path):
    (tmp_path / 'masks' / 'v').mkdir(parents=True)
    Image.new('L', (4, 4), 1).save(tmp_path / 'masks' / 'v' / '0.png')
    with pytest.raises(UserValueError, match=r'which of fish, crab .* tracks\.json'):
        convert(
            tmp_path / 'masks', tmp_path / 'a', 'davis', 'ytvis',
            classes=['fish', 'crab'],
        )  # fmt: skip


def test_faults_of_id_images_are_all_listed(frames, tmp_path):
    root = tmp_path / 'masks'
    for name, image in {
        'zoo/00000': Image.new('L', (12, 9), 1),
        'zoo/00007': Image.new('L', (12, 9), 1),  # no such frame
        'rgb/0': Image.new('RGB', (12, 9)),
        'sizes/0': Image.new('L', (12, 9), 1),
        'sizes/1': Image.new('L', (11, 9), 1),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(root / f'{name}.png')
    with pytest.raises(UserValueError) as error:
        convert(root, tmp_path / 'a.json', 'davis', 'ytvis', frames=frames)
    for part in ('no frame 00007', 'rgb/0.png has colours (RGB)', 'of the sizes'):
        assert part in str(error.value)
    assert not (tmp_path / 'a.json').exists()


def test_frames_of_another_size_than_their_masks_are_refused(frames, tmp_path):
    folder = tmp_path / 'masks' / 'zoo'
    folder.mkdir(parents=True)
    Image.new('L', (24, 18), 1).save(folder / '00000.png')
    with pytest.raises(UserValueError, match='9 x 12 pixels, its labels 18 x 24'):
        convert(tmp_path / 'masks', tmp_path / 'a', 'davis', 'ytvis', frames=frames)


def test_overlap_does_not_fit_into_ids(labels, ann_file, tmp_path):
    masks = labels['annotations'][1]['segmentations']
    masks[0] = labels['annotations'][0]['segmentations'][0]
    ann_file.write_text(json.dumps(dict(labels, annotations=[
        {k: v for k, v in item.items() if k not in ('areas', 'bboxes')}
        for item in labels['annotations']
    ])))  # fmt: skip
    for target in ('davis', 'mots'):
        with pytest.raises(UserValueError, match='frame 0: annotation 2 overlaps'):
            convert(ann_file, tmp_path / 'out', 'ytvis', target)


def test_all_wrong_mots_lines_are_listed(tmp_path):
    good = '0 1001 1 4 5 04'
    (tmp_path / '0002.txt').write_text(
        f'{good}0\n0 1002 1 4 5\n1 2001 1 4 5 P0\n1 1001 1 4 5 9\n'
    )
    with pytest.raises(UserValueError, match='--frames DIR'):
        convert(tmp_path / '0002.txt', tmp_path / 'a.json', 'mots', 'ytvis')
    with pytest.raises(UserValueError) as error:
        convert(tmp_path / '0002.txt', tmp_path / 'a', 'mots', 'ytvis', frames=tmp_path)
    text = str(error.value)
    assert 'line[1]' in text
    assert 'line[2]' in text
    assert 'line[3]' in text


def test_mots_images_are_read(tmp_path):
    folder = tmp_path / 'instances' / '0001'
    folder.mkdir(parents=True)
    for t in range(2):
        ids = np.zeros((4, 5), dtype=np.uint16)
        ids[0, : t + 1] = 2003
        ids[3, 3:] = 10000
        Image.fromarray(ids).save(folder / f'{t:06d}.png')
    back = convert(tmp_path / 'instances', tmp_path / 'a.json', 'mots', 'ytvis')
    (track,) = back['annotations']
    assert track['areas'] == [1, 2]
    assert back['categories'][track['category_id'] - 1]['name'] == 'pedestrian'
    assert back['videos'][0]['file_names'] == ['0001/000000.jpg', '0001/000001.jpg']


def test_cocovid_faults_are_all_listed(labels, ann_file, tmp_path):
    convert(ann_file, tmp_path / 'vid.json', 'ytvis', 'cocovid')
    content = json.loads((tmp_path / 'vid.json').read_text())
    annotations = content['annotations']
    annotations[0]['image_id'] = 77
    annotations[1]['category_id'] = 9
    del annotations[2]['instance_id']
    annotations[3]['segmentation']['size'] = [4, 4]
    content['images'][4]['height'] = 10
    (tmp_path / 'vid.json').write_text(json.dumps(content))
    with pytest.raises(UserValueError) as error:
        convert(tmp_path / 'vid.json', tmp_path / 'a.json', 'cocovid', 'ytvis')
    for part in ('image_id 77', 'category_id 9', 'instance_id is missing', '[4, 4]'):
        assert part in str(error.value)
    assert '10 x 12 pixels' in str(error.value)


@pytest.mark.parametrize('first', [0, 1])
def test_mots_frames_are_numbered_as_their_files(tmp_path, first):
    """KITTI counts from 0, the MOT challenge from 1; no object is in the first."""
    (tmp_path / 'JPEGImages' / 'v').mkdir(parents=True)
    for t in range(3):
        name = f'v/{t + first:06d}.jpg'
        Image.new('RGB', (5, 4)).save(tmp_path / 'JPEGImages' / name)
    (tmp_path / 'txt').mkdir()
    (tmp_path / 'txt' / 'v.txt').write_text(f'{first + 1} 1001 1 4 5 42>\n')
    options = dict(frames=tmp_path / 'JPEGImages')
    labels = convert(tmp_path / 'txt', tmp_path / 'a', 'mots', 'ytvis', **options)
    assert labels['annotations'][0]['areas'] == [None, 2, None]


def test_text_that_is_not_utf8_is_an_error(labels, ann_file, frames, tmp_path):
    convert(ann_file, tmp_path / 'mots', 'ytvis', 'mots')
    (tmp_path / 'mots' / 'labels.txt').write_bytes(b'ca\xff\n')
    with pytest.raises(UserValueError, match=r'labels\.txt.*UTF-8'):
        convert(tmp_path / 'mots', tmp_path / 'a', 'mots', 'ytvis', frames=frames)


@pytest.mark.parametrize('text', ['[' * 99999, '{"1": 5}', '{"x": {"class": "a"}}'])
def test_key_of_id_images_must_name_classes(tmp_path, text):
    folder = tmp_path / 'masks' / 'v'
    folder.mkdir(parents=True)
    Image.new('L', (4, 4), 1).save(folder / '0.png')
    (folder / 'tracks.json').write_text(text)
    with pytest.raises(UserValueError, match=r'tracks\.json'):
        convert(tmp_path / 'masks', tmp_path / 'a', 'davis', 'ytvis')


def test_videos_that_share_a_folder_are_told_apart(labels, ann_file, tmp_path):
    """Images of COCO lie in one folder."""
    for video in labels['videos']:
        video['file_names'] = [
            f'images/{video["id"]}_{t}.jpg' for t in range(video['length'])
        ]
    ann_file.write_text(json.dumps(labels))
    convert(ann_file, tmp_path / 'masks', 'ytvis', 'davis')
    folders = {path.parent for path in (tmp_path / 'masks').rglob('*.png')}
    names = {folder.relative_to(tmp_path / 'masks').as_posix() for folder in folders}
    assert names == {'Annotations/images/5_0', 'Annotations/images/8_0'}
