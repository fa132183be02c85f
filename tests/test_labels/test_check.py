import json

import pytest
from PIL import Image

from mmvis.commands.data.check import main
from mmvis.labels import check_labels
from mmvis.structures.ytvis_json import read_ytvis_json


@pytest.fixture
def spoiled(labels, ann_file):
    """Faults of every kind in one file."""
    first, second, third = labels['annotations']
    first['segmentations'][0] = dict(size=[4, 4], counts='04')
    first['segmentations'][2]['counts'] = '~~'
    first['areas'][0] = -1
    second['areas'][1] = 17
    second['bboxes'][2] = [1, 2, -3, 4]
    third['id'] = 2
    copies = [json.loads(json.dumps(third)) for _ in range(4)]
    copies[0].update(id=11, video_id=6)
    copies[1].update(id=12, category_id=1)
    copies[2].update(id=13, segmentations=[None, None])
    copies[3].update(id=14, segmentations=[dict(size=[9, 12], counts='\\3'), None])
    labels['annotations'] += copies
    labels['videos'].append(dict(labels['videos'][0], id=5))
    labels['videos'].append(dict(labels['videos'][0], id=9, length=7))
    labels['categories'].append(dict(id='x', name='bird'))
    ann_file.write_text(json.dumps(labels))
    return ann_file


EXPECTED = {
    'videos[2].id': 'no earlier entry has',
    'videos[3].length': '7 given',
    'categories[2].id': 'expected an integer',
    'annotations[0].areas[0]': '>= 0',
    'annotations[0].segmentations[0].size': '[4, 4] given',
    'annotations[0].segmentations[2].counts': 'the RLE',
    'annotations[0].segmentations': 'no mask in any frame',
    'annotations[1].bboxes[2]': 'without negative sides',
    'annotations[1].areas[1]': '17 given, the mask has 16',
    'annotations[2].id': 'no earlier entry has',
    'annotations[3].video_id': '6 is none',
    'annotations[4].category_id': '1 is none',
    'annotations[5].segmentations': 'no mask in any frame',
    'annotations[6].segmentations[0]': 'the mask is empty',
    'annotations[6].segmentations': 'no mask in any frame',
}


def test_every_fault_is_found(spoiled):
    faults = check_labels(spoiled).faults
    assert [fault.path for fault in faults] == list(EXPECTED)
    for fault in faults:
        assert EXPECTED[fault.path] in fault.problem
        assert fault.fix


def test_cleaned_copy_is_right_and_keeps_the_rest(spoiled, labels, tmp_path, capsys):
    out = tmp_path / 'clean.json'
    main([str(spoiled), '--fix', str(out)])
    clean = read_ytvis_json(out)
    assert [v['id'] for v in clean['videos']] == [5, 8]
    assert [item['id'] for item in clean['annotations']] == [2, 15]
    assert clean['annotations'][0]['areas'] == [None, 16, 16]
    assert clean['annotations'][0]['bboxes'][2] == [6, 2, 4, 4]
    assert not check_labels(out).faults
    text = capsys.readouterr().out
    assert '15 faults in ' in text
    assert f'Wrote {out}' in text


def test_faults_without_a_fix_are_status_1(spoiled, ann_file, capsys):
    with pytest.raises(SystemExit) as end:
        main([str(spoiled), '--examples', '1'])
    assert end.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith('4 videos, 3 categories, 7 annotations')
    assert '     3  annotations[].segmentations' in lines


def test_right_labels_have_no_fault_and_stay(labels, ann_file, frames, tmp_path):
    out = tmp_path / 'clean.json'
    main([str(ann_file), '--frames', str(frames), '--fix', str(out)])
    assert json.loads(out.read_text()) == labels


def test_frames_are_checked(labels, ann_file, frames):
    (frames / 'zoo/00001.jpg').unlink()
    (frames / 'zoo/00002.jpg').write_bytes(b'no picture')
    Image.new('RGB', (9, 12)).save(frames / 'b/a/00010.jpg')
    faults = check_labels(ann_file, frames=frames).faults
    found = [fault for fault in faults if fault.path.endswith('file_names')]
    assert [fault.path[:9] for fault in found] == [
        'videos[0]',
        'videos[0]',
        'videos[1]',
    ]
    assert '12 x 9 pixels, its labels 9 x 12' in found[2].problem
    last = faults[-1]
    assert last.path == 'annotations[2].video_id'
    assert last.problem == '8 is videos[1], which is at fault itself.'


def test_invalid_copy_does_not_free_an_id(labels, ann_file):
    """The id of an annotation that cannot be read may be that of another one."""
    labels['annotations'].insert(1, dict(id=1, segmentations='x'))
    labels['annotations'].append(dict(labels['annotations'][0]))
    ann_file.write_text(json.dumps(labels))
    paths = [fault.path for fault in check_labels(ann_file).faults]
    assert paths == ['annotations[1].segmentations', 'annotations[4].id']


def test_coco_is_checked(tmp_path):
    content = dict(
        images=[dict(id=1, height=4, width=5, file_name='a.jpg')],
        categories=[dict(id=1, name='cat')],
        annotations=[
            dict(
                id=n,
                image_id=1,
                category_id=category_id,
                segmentation=[[0, 0, 2, 0, 2, 2, 0, 2][:length]],
                bbox=[0, 0, 2, side],
            )
            for n, (category_id, length, side) in enumerate(
                [(1, 8, 2), (2, 8, 2), (1, 4, 2), (1, 8, -2)]
            )
        ],
    )
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(content))
    checked = check_labels(path, 'coco')
    assert [fault.path for fault in checked.faults] == [
        'annotations[1].category_id',
        'annotations[2].segmentation',
        'annotations[3].bbox',
    ]
    assert len(checked.content['annotations']) == 2


def test_another_format_names_the_conversion(tmp_path, capsys):
    path = tmp_path / 'coco.json'
    path.write_text('{"images": [{"id": 1}], "annotations": [], "categories": []}')
    with pytest.raises(SystemExit) as end:
        main([str(path)])
    assert end.value.code == 2
    assert 'mmvis data convert SRC DST --from coco' in capsys.readouterr().err
