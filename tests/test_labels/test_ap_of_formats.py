"""One results file has one AP, whatever format the labels came in."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.evaluation.report import make_report
from mmvis.labels import WRITERS, convert_labels
from mmvis.labels.label_set import add_annotation, encode_mask, video_names
from mmvis.structures.results_json import read_results
from mmvis.structures.ytvis_json import read_ytvis_json

HEIGHT, WIDTH = 40, 56
# Not in alphabetical order, and the last without an object.
CLASSES = ['walrus', 'bee', 'cat', 'ant']


@pytest.fixture
def labels():
    """Three videos of 3, 4 and 5 frames with discs that move and leave."""
    labels = dict(
        videos=[],
        categories=[dict(id=i, name=name) for i, name in enumerate(CLASSES, 1)],
        annotations=[],
    )
    for video_id, length in enumerate((3, 4, 5), start=1):
        names = [f'video{video_id}/{t:06d}.jpg' for t in range(length)]
        video = dict(id=video_id, height=HEIGHT, width=WIDTH, length=length)
        labels['videos'].append(dict(video, file_names=names))
        for category_id in (1, 2, 3):
            start = 10 + 16 * (category_id - 1)
            masks = [disc(start + t, 12 + 5 * video_id) for t in range(length)]
            masks[1] = None if category_id == video_id else masks[1]
            add_annotation(labels, video_id, category_id, masks)
    return labels


def disc(x, y):
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    return encode_mask((columns - x) ** 2 + (rows - y) ** 2 < 49)


def moved(labels):
    """Results: every track, shifted by more and more pixels."""
    results = []
    for number, item in enumerate(labels['annotations']):
        masks = [
            mask and encode_mask(np.roll(mask_utils.decode(mask), number % 6, 1))
            for mask in item['segmentations']
        ]
        results.append(
            dict(
                video_id=item['video_id'],
                category_id=item['category_id'],
                score=1 - number / 50,
                segmentations=masks,
            )
        )
    return results


def write_frames(labels, folder):
    for video in labels['videos']:
        for name in video['file_names']:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new('RGB', (video['width'], video['height'])).save(folder / name)


def boxes(labels, video):
    """Frame, object, its category's name, box and the pixels in it."""
    names = {category['id']: category['name'] for category in labels['categories']}
    for t in range(video['length']):
        for item in labels['annotations']:
            mask = item['video_id'] == video['id'] and item['segmentations'][t]
            if mask:
                x, y, w, h = map(int, mask_utils.toBbox(mask))
                pixels = mask_utils.decode(mask)[y : y + h, x : x + w]
                yield t, item['id'], names[item['category_id']], (x, y, w, h), pixels


def write_cvat(labels, path):
    """As CVAT for images writes masks: runs along the rows of a box."""
    lines = ['<annotations><version>1.1</version>']
    for video in labels['videos']:
        shapes = list(boxes(labels, video))
        for frame, name in enumerate(video['file_names']):
            size = f'width="{video["width"]}" height="{video["height"]}"'
            lines.append(f'<image id="{len(lines)}" name="{name}" {size}>')
            for t, group, label, (x, y, w, h), pixels in shapes:
                if t == frame:
                    row = np.concatenate([[0], pixels.ravel(), [2]])
                    ends = np.flatnonzero(np.diff(row.astype(int)))
                    runs = np.diff(ends, prepend=0).tolist()
                    lines.append(
                        f'<mask label="{label}" group_id="{group}" left="{x}" '
                        f'top="{y}" width="{w}" height="{h}" '
                        f'rle="{", ".join(map(str, runs))}"/>'
                    )
            lines.append('</image>')
    path.write_text('\n'.join([*lines, '</annotations>']))


def write_labelme(labels, path):
    """As LabelMe writes masks: a PNG in a box, whose corners are pixels of it."""
    names = video_names(labels)
    for video in labels['videos']:
        shapes = list(boxes(labels, video))
        for frame, name in enumerate(video['file_names']):
            content = dict(
                imagePath=f'../{name}',
                imageHeight=video['height'],
                imageWidth=video['width'],
                shapes=[
                    dict(
                        label=label,
                        group_id=group,
                        shape_type='mask',
                        points=[[x, y], [x + w - 1, y + h - 1]],
                        mask=png(pixels),
                    )
                    for t, group, label, (x, y, w, h), pixels in shapes
                    if t == frame
                ],
            )
            file = path / names[video['id']] / f'{name.split("/")[-1][:-4]}.json'
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content))


def png(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels.astype(bool)).save(content, 'PNG')
    return base64.b64encode(content.getvalue()).decode()


ALL_WRITERS = dict(WRITERS, cvat=write_cvat, labelme=write_labelme)


def through(source, labels, folder, **options):
    """The json of YouTube-VIS that labels become by way of another format."""
    src = folder / f'labels.{source}'
    ALL_WRITERS[source](labels, src)
    dst = folder / f'{source}.json'
    convert_labels(src, dst, source_format=source, target_format='ytvis', **options)
    return dst


def measure_ap(ann_file, results, folder):
    path = folder / 'results.json'
    path.write_text(json.dumps(results))
    gt = read_ytvis_json(ann_file)
    return make_report(gt, read_results(path, gt), None).as_json()


@pytest.mark.parametrize('source', ['cocovid', 'cvat', 'davis', 'labelme', 'mots'])
def test_ap_is_that_of_the_labels(labels, tmp_path, source):
    write_frames(labels, tmp_path / 'frames')
    results = moved(labels)
    expected = measure_ap(through('ytvis', labels, tmp_path), results, tmp_path)
    ann_file = through(
        source, labels, tmp_path, frames=tmp_path / 'frames', classes=CLASSES
    )
    assert 0.2 < expected['AP'] < 0.9
    assert measure_ap(ann_file, results, tmp_path) == expected
    assert json.loads(ann_file.read_text())['videos'] == labels['videos']


@pytest.mark.parametrize('source', ['coco', 'yolo'])
def test_ap_on_single_images_is_that_of_the_labels(labels, tmp_path, source):
    """They hold no tracks: each frame is a video."""
    if source == 'yolo':
        pytest.importorskip('labelformat')
        write_frames(labels, tmp_path / 'labels.yolo' / 'images')
    frames = single_frames(labels)
    results = moved(frames)
    expected = measure_ap(through('ytvis', frames, tmp_path), results, tmp_path)
    ann_file = through(source, labels, tmp_path, classes=CLASSES)
    measured = measure_ap(ann_file, results, tmp_path)
    assert 0.2 < expected['AP'] < 0.9
    if source == 'coco':
        assert measured == expected
    else:  # polygons, which are not masks to the pixel
        assert measured['AP'] == pytest.approx(expected['AP'], abs=0.01)


def single_frames(labels):
    """Each frame as a video of its own."""
    content = dict(labels, videos=[], annotations=[])
    for video in labels['videos']:
        for t, name in enumerate(video['file_names']):
            video_id = len(content['videos']) + 1
            content['videos'].append(
                dict(video, id=video_id, length=1, file_names=[name])
            )
            for item in labels['annotations']:
                if item['video_id'] == video['id'] and item['segmentations'][t]:
                    masks = [item['segmentations'][t]]
                    add_annotation(content, video_id, item['category_id'], masks)
    return content
