"""Why mmvis reads and writes YouTube-VIS and COCO itself, and not by labelformat.

If one of these fails with a new release of labelformat, the choice may be made again.
"""

import json

import pytest
from pycocotools import mask as mask_utils

formats = pytest.importorskip('labelformat.formats')


def read(path):
    return formats.YouTubeVISInstanceSegmentationTrackInput(path)


def test_it_cannot_read_compressed_masks_of_youtube_vis(ann_file):
    with pytest.raises(ValueError, match='invalid literal'):
        list(read(ann_file).get_labels())


def test_it_invents_names_of_frames_and_makes_objects_crowds(
    labels, ann_file, tmp_path
):
    for item in labels['annotations']:
        for rle in filter(None, item['segmentations']):
            mask = mask_utils.decode(rle)
            columns = mask.ravel(order='F').tolist()
            runs, last = [0], 0
            for value in columns:
                if value != last:
                    runs.append(0)
                    last = value
                runs[-1] += 1
            rle['counts'] = runs
    ann_file.write_text(json.dumps(labels))
    out = tmp_path / 'out.json'
    formats.YouTubeVISInstanceSegmentationTrackOutput(out).save(read(ann_file))
    written = json.loads(out.read_text())
    assert labels['videos'][1]['file_names'] == ['b/a/00002.jpg', 'b/a/00010.jpg']
    assert written['videos'][1]['file_names'] == ['a/00000.jpg', 'a/00001.jpg']
    assert [item['iscrowd'] for item in labels['annotations']] == [0, 0, 0]
    assert [item['iscrowd'] for item in written['annotations']] == [True, True, True]


def test_it_reads_no_mask_of_coco_that_is_rle(tmp_path):
    rle = dict(size=[2, 2], counts=[1, 2, 1])
    image = dict(id=1, file_name='a.jpg', height=2, width=2)
    item = dict(id=1, image_id=1, category_id=1, segmentation=rle, iscrowd=0)
    content = dict(
        images=[image], categories=[dict(id=1, name='a')], annotations=[item]
    )
    path = tmp_path / 'coco.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='could not convert string'):
        list(formats.COCOInstanceSegmentationInput(path).get_labels())
