import base64
import io
import json
import os

import pytest
from PIL import Image

from mmvis.errors import UserValueError
from mmvis.labels import convert_labels

VIDEO = """<annotations><version>1.1</version><meta><task><size>3</size>
<original_size><width>6</width><height>5</height></original_size></task></meta>
<track id="0" label="dog">
<polygon frame="0" outside="0" occluded="0" points="0,0;2,0;2,3;0,3"/>
<mask frame="1" outside="0" occluded="0" rle="1, 2, 3" left="2" top="1" width="3"
 height="2"/>
<polygon frame="2" outside="1" occluded="0" points="0,0;2,0;2,3;0,3"/>
</track>{more}</annotations>"""
IMAGES = """<annotations><version>1.1</version>
<image id="0" name="a/1.jpg" width="6" height="5">
<polygon label="dog" points="0,0;2,0;2,3;0,3" group_id="4"/>
<polygon label="cat" points="3,0;5,0;5,2;3,2"/></image>
<image id="1" name="a/2.jpg" width="6" height="5">
<polygon label="dog" points="0,0;2,0;2,2;0,2" group_id="4"/></image>
</annotations>"""


@pytest.fixture
def read(tmp_path):
    def read(src, source, **options):
        options.update(source_format=source, target_format='ytvis')
        return convert_labels(src, tmp_path / 'out.json', **options)

    return read


def test_cvat_for_video(read, tmp_path):
    (tmp_path / 'task.xml').write_text(VIDEO.format(more=''))
    labels = read(tmp_path / 'task.xml', 'cvat')
    (track,) = labels['annotations']
    assert track['areas'] == [6, 2, None]
    # Runs go along the rows of the box: the second and third pixel of row 1.
    assert track['bboxes'][1] == [3, 1, 2, 1]
    assert labels['categories'] == [dict(id=1, name='dog')]
    assert labels['videos'][0]['file_names'][2] == 'task/000002.jpg'


def test_name_of_a_cvat_video_is_that_of_its_source(read, tmp_path):
    text = VIDEO.format(more='').replace('</size>', '</size><source>a.mp4</source>')
    (tmp_path / 'task.xml').write_text(text)
    labels = read(tmp_path / 'task.xml', 'cvat')
    assert labels['videos'][0]['file_names'][0] == 'a/000000.jpg'


@pytest.mark.parametrize('length', ['', '-3', '3.5'])
def test_absurd_lengths_are_refused(read, tmp_path, length):
    text = VIDEO.format(more='').replace('<size>3', f'<size>{length}')
    (tmp_path / 'video.xml').write_text(text)
    with pytest.raises(UserValueError, match='meta: expected size and original_size'):
        read(tmp_path / 'video.xml', 'cvat')


@pytest.mark.parametrize('size', ['0', '-5', '99999999', '9' * 5000])
def test_absurd_sizes_are_refused(read, tmp_path, size):
    text = VIDEO.format(more='').replace('<height>5', f'<height>{size}')
    (tmp_path / 'video.xml').write_text(text)
    with pytest.raises(UserValueError, match='original_size'):
        read(tmp_path / 'video.xml', 'cvat')
    (tmp_path / 'images.xml').write_text(
        IMAGES.replace('height="5"', f'height="{size}"')
    )
    with pytest.raises(UserValueError, match='expected name, width and height'):
        read(tmp_path / 'images.xml', 'cvat')
    (tmp_path / 'json').mkdir()
    (tmp_path / 'json' / '0.json').write_text(
        labelme([]).replace('"imageHeight": 5', f'"imageHeight": {size}')
    )
    with pytest.raises(UserValueError, match='is not a LabelMe json: '):
        read(tmp_path / 'json', 'labelme')


def test_cvat_for_images_joins_groups(read, tmp_path):
    (tmp_path / 'task.xml').write_text(IMAGES)
    labels = read(tmp_path / 'task.xml', 'cvat')
    assert [item['areas'] for item in labels['annotations']] == [[6, 4], [4, None]]
    assert [c['name'] for c in labels['categories']] == ['cat', 'dog']


def test_cvat_faults_are_all_listed(read, tmp_path):
    more = (
        '<track id="1" label="dog"><box frame="0" xtl="0" ytl="0" xbr="1" ybr="1"/>'
        '<polygon frame="7" points="0,0;2,0;2,3;0,3"/>'
        '<polygon frame="0" points="0,0;x,0"/>'
        '<mask frame="1" rle="1, 2" left="2" top="1" width="3" height="2"/></track>'
    )
    (tmp_path / 'task.xml').write_text(VIDEO.format(more=more))
    with pytest.raises(UserValueError) as error:
        read(tmp_path / 'task.xml', 'cvat')
    for part in ('has no mask', 'frame 7 of 3', "'x'", 'the runs have 3 pixels'):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ('text', 'match'), [('{}', 'is not XML'), ('<a/>', 'Export the task from CVAT')]
)
def test_other_files_are_refused(read, tmp_path, text, match):
    (tmp_path / 'task.xml').write_text(text)
    with pytest.raises(UserValueError, match=match):
        read(tmp_path / 'task.xml', 'cvat')


def labelme(shapes, **size):
    return json.dumps(
        dict(imagePath='1.png', imageHeight=5, imageWidth=6, shapes=shapes, **size)
    )


def test_labelme_joins_groups(read, tmp_path):
    folder = tmp_path / 'set' / 'walk'
    folder.mkdir(parents=True)
    square = dict(label='dog', points=[[0, 0], [2, 0], [2, 2], [0, 2]], group_id=1)
    box = dict(label='dog', points=[[3, 1], [5, 4]], shape_type='rectangle')
    (folder / '2.json').write_text(labelme([square, box]))
    (folder / '10.json').write_text(labelme([square]))
    labels = read(tmp_path / 'set', 'labelme')
    assert labels['videos'][0]['file_names'] == ['walk/2.png', 'walk/10.png']
    assert [item['areas'] for item in labels['annotations']] == [[4, 4], [6, None]]


def mask_shape(size, corners):
    content = io.BytesIO()
    Image.new('1', size, 1).save(content, 'PNG')
    text = base64.b64encode(content.getvalue()).decode()
    return dict(label='dog', shape_type='mask', points=corners, mask=text)


def test_labelme_masks_are_read(read, tmp_path):
    """The corners of a mask are pixels of it."""
    shapes = [mask_shape((2, 3), [[4, 1], [5, 3]])]
    (tmp_path / '0.json').write_text(labelme(shapes))
    (track,) = read(tmp_path, 'labelme')['annotations']
    assert track['bboxes'] == [[4, 1, 2, 3]]
    assert track['areas'] == [6]


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        (dict(points=[[5, 1], [6, 3]]), r'not within \(5, 6\) pixels'),
        (dict(points=[[4, 1], [5, 2]]), r'has \(3, 2\) pixels .* expected \(2, 2\)'),
        (dict(mask='AAAA'), 'cannot identify image'),
        (dict(mask='?'), 'shape 0: '),
        (dict(mask=None), 'shape 0: '),
    ],
)
def test_wrong_labelme_masks_are_faults(read, tmp_path, change, match):
    shape = dict(mask_shape((2, 3), [[4, 1], [5, 3]]), **change)
    (tmp_path / '0.json').write_text(labelme([shape]))
    with pytest.raises(UserValueError, match=match):
        read(tmp_path, 'labelme')


@pytest.mark.parametrize('source', ['cvat', 'labelme'])
def test_classes_set_the_order_of_categories(read, tmp_path, source):
    path = tmp_path / source
    if source == 'cvat':
        path.write_text(IMAGES)
    else:
        square = dict(label='dog', points=[[0, 0], [2, 0], [2, 2], [0, 2]])
        path.mkdir()
        (path / '0.json').write_text(labelme([square, dict(square, label='cat')]))
    labels = read(path, source, classes=['dog', 'owl', 'cat'])
    assert [c['name'] for c in labels['categories']] == ['dog', 'owl', 'cat']
    assert [c['id'] for c in labels['categories']] == [1, 2, 3]
    assert [item['category_id'] for item in labels['annotations']] == [1, 3]
    with pytest.raises(UserValueError, match='objects of cat, which `--classes` lacks'):
        read(path, source, classes=['dog', 'owl'])


def test_labelme_faults_are_all_listed(read, tmp_path):
    shapes = [
        dict(label='dog', points=[[0, 0], [2, 2]], shape_type='circle'),
        dict(label='dog', points=[[0, 0], [2, 2]]),
        dict(points=[[0, 0], [2, 0], [2, 2]]),
    ]
    (tmp_path / '0.json').write_text(labelme(shapes))
    (tmp_path / '1.json').write_text('[]')
    (tmp_path / '2.json').write_text('[' * 99999)
    with pytest.raises(UserValueError) as error:
        read(tmp_path, 'labelme')
    for part in (
        'shape 0: a circle',
        'shape 1: polygon',
        'shape 2',
        'is not a LabelMe',
    ):
        assert part in str(error.value)


@pytest.mark.parametrize('make', [lambda path: None, lambda path: path.touch()])
def test_labelme_is_a_folder(read, tmp_path, make):
    make(tmp_path / 'x')
    with pytest.raises(UserValueError, match='x: expected a folder, one that exists'):
        read(tmp_path / 'x', 'labelme')
    (tmp_path / 'y').mkdir()
    with pytest.raises(UserValueError, match='y: the folder has no LabelMe json'):
        read(tmp_path / 'y', 'labelme')


def test_cvat_is_a_file(read, tmp_path):
    os.mkfifo(tmp_path / 'pipe.xml')
    for path, kind in ((tmp_path, 'a folder'), (tmp_path / 'pipe.xml', 'a named pipe')):
        with pytest.raises(UserValueError, match=f'is {kind}, expected a file'):
            read(path, 'cvat')
