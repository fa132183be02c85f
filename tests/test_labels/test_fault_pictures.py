import json

import cv2
import numpy as np
import pytest

from mmvis.commands.data.check import main
from mmvis.errors import UserValueError
from mmvis.labels import check_labels
from mmvis.labels.fault_pictures import write_fault_pictures

SCALE = 40  # the frames of 9 x 12 pixels are enlarged to 360 x 480
RED = (40, 40, 220)


def draw(ann_file, out_dir, **options):
    faults = check_labels(ann_file, frames=options.get('frames')).faults
    paths = write_fault_pictures(ann_file, faults, out_dir, **options)
    return {path.name: cv2.imread(str(path)) for path in paths}


def test_worst_frame_comes_first_with_masks_boxes_and_text(
    labels, ann_file, frames, tmp_path
):
    first, second, third = labels['annotations']
    first['bboxes'][2] = [1, 1, 2, -3]
    second['areas'][2] = 5
    third['areas'][0] = -1
    ann_file.write_text(json.dumps(labels))
    pictures = draw(ann_file, tmp_path / 'out', frames=frames)
    assert list(pictures) == ['01_zoo_00002.png', '02_b_a_00002.png']
    picture = pictures['01_zoo_00002.png']
    assert picture.shape[1] == 12 * SCALE
    assert picture.shape[0] > 9 * SCALE  # the text is below
    panel = picture[9 * SCALE :]
    assert (panel == 255).any()
    assert (panel < 64).any()
    # Annotation 1 is at fault and has the box [6, 2, 4, 4].
    assert tuple(picture[2 * SCALE, 8 * SCALE]) == RED
    assert tuple(picture[4 * SCALE, 10 * SCALE]) == RED
    # Its mask has its colour, the frame is black.
    assert picture[4 * SCALE, 8 * SCALE].max() > 60
    assert picture[8 * SCALE, 11 * SCALE].max() == 0


def test_missing_frames_are_grey_and_their_number_is_limited(
    labels, ann_file, tmp_path
):
    for item in labels['annotations']:
        item['areas'] = [1 if area else None for area in item['areas']]
    ann_file.write_text(json.dumps(labels))
    pictures = draw(ann_file, tmp_path / 'out', max_pictures=2)
    assert list(pictures) == ['01_zoo_00002.png', '02_zoo_00000.png']
    assert tuple(pictures['01_zoo_00002.png'][8 * SCALE, 0]) == (96, 96, 96)


def test_mask_of_another_size_is_stretched(labels, ann_file, tmp_path):
    labels['annotations'][2]['segmentations'][0] = dict(size=[3, 4], counts=[0, 12])
    ann_file.write_text(json.dumps(labels))
    (picture,) = draw(ann_file, tmp_path / 'out').values()
    assert tuple(picture[4 * SCALE, 6 * SCALE]) != (96, 96, 96)


@pytest.mark.parametrize(
    'change',
    [
        dict(bboxes='x'),
        dict(bboxes=[[1, 2, 'a', 4], None, [1e300, 0, 1, float('1e308')]]),
        dict(segmentations=5),
        dict(segmentations=[5, 'x', dict(size='ab', counts=3)]),
        dict(segmentations=[dict(size=[1 << 40, 1 << 40], counts=[1]), None, None]),
        dict(category_id=[1]),
        dict(video_id=[5]),
        dict(video_id=None),
    ],
    ids=str,
)
def test_entries_of_any_content(labels, ann_file, tmp_path, change):
    labels['annotations'][0].update(change)
    labels['annotations'] += [7, None]
    labels['videos'] += ['video', dict(id=3, height='x', width=-1, file_names=4)]
    ann_file.write_text(json.dumps(labels))
    pictures = draw(ann_file, tmp_path / 'out')
    assert len(pictures) >= 2  # of the two videos
    assert all(isinstance(picture, np.ndarray) for picture in pictures.values())


def test_pictures_of_coco_by_the_command(tmp_path, capsys):
    content = dict(
        images=[dict(id=1, height=40, width=60, file_name='a/b.jpg')],
        categories=[dict(id=1, name='cat')],
        annotations=[
            dict(id=1, image_id=1, category_id=1, bbox=[6, 8, 20, -10],
                 segmentation=[[6, 8, 26, 8, 26, 18]])
        ],
    )  # fmt: skip
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(content))
    out = tmp_path / 'faults'
    words = [str(path), '--format', 'coco', '--show-dir', str(out)]
    with pytest.raises(SystemExit):
        main(words)
    assert 'Drew 1 frames in ' in capsys.readouterr().out
    assert [p.name for p in out.iterdir()] == ['01_a_b.png']
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert 'has files already' in capsys.readouterr().err


def test_full_folder_is_refused(labels, ann_file, tmp_path):
    with pytest.raises(UserValueError, match='has files already'):
        write_fault_pictures(ann_file, check_labels(ann_file).faults, tmp_path)
