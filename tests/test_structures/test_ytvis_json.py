import json
from array import array

import numpy as np
import pytest

from mmvis.structures.rle import decode_mask
from mmvis.structures.ytvis_json import parse_coco, parse_ytvis, read_ytvis_json
from mmvis.testing import make_tiny_vis, rle_of


@pytest.fixture
def content(tmp_path):
    path = make_tiny_vis(tmp_path, num_videos=3, video_len=[4, 2, 5], absent=[1])
    return json.loads(path.read_text())


def parse(content, **options):
    return parse_ytvis(json.dumps(content).encode(), 'a.json', **options)


def first(content, key='annotations'):
    return content[key][0]


def set_mask(value):
    return lambda c: first(c)['segmentations'].__setitem__(0, value)


def set_runs(counts):
    return lambda c: first(c)['segmentations'][0].update(counts=counts)


def set_polygon(*values):
    return set_mask([[5, 5, 20, 5, 20, 20], list(values)])


MASK = r'annotations\[0\]\.segmentations\[0\]'
BAD = {
    'no videos': (
        lambda c: c.update(videos=[]),
        r'videos: expected at least one',
    ),
    'no categories': (lambda c: c.pop('categories'), r'categories: missing'),
    'annotations is no list': (
        lambda c: c.update(annotations=3),
        r'annotations: expected a list, got 3',
    ),
    'video without height': (
        lambda c: first(c, 'videos').pop('height'),
        r'videos\[0\]\.height: missing',
    ),
    'negative size': (
        lambda c: first(c, 'videos').update(width=-64),
        r'videos\[0\]\.width: expected an integer >= 1, got -64',
    ),
    'size as float': (
        lambda c: first(c, 'videos').update(width=64.0),
        r'videos\[0\]\.width: expected an integer, got 64.0',
    ),
    'absurd size': (
        lambda c: first(c, 'videos').update(width=2**40),
        r'videos\[0\]\.width: expected an integer <= 65535',
    ),
    'absurd number of pixels': (
        lambda c: first(c, 'videos').update(height=60000, width=60000),
        r'videos\[0\]\.height: 60000 x 60000 pixels, expected at most',
    ),
    'video is no object': (
        lambda c: c['videos'].append(3),
        r'videos\[3\]: expected an object, got 3',
    ),
    'video without frames': (
        lambda c: first(c, 'videos').update(file_names=[]),
        r'videos\[0\]\.file_names: expected a list of length >= 1, got \[\]',
    ),
    'names are no list': (
        lambda c: first(c, 'videos').update(file_names='abc'),
        r"videos\[0\]\.file_names: expected a list, got 'abc'",
    ),
    'name is null': (
        lambda c: first(c, 'videos')['file_names'].__setitem__(1, None),
        r'videos\[0\]\.file_names\[1\]: expected a string, got None',
    ),
    'name with zero byte': (
        lambda c: first(c, 'videos')['file_names'].__setitem__(1, 'a\0.jpg'),
        r'videos\[0\]\.file_names\[1\]: expected the name of a file below',
    ),
    'name with scheme': (
        lambda c: first(c, 'videos')['file_names'].__setitem__(1, 'a://b.jpg'),
        r'videos\[0\]\.file_names\[1\]: expected the name of a file below',
    ),
    'video of another length': (
        lambda c: first(c, 'videos').update(length=9),
        r'videos\[0\]\.length: 9 given, but file_names has 4 entries',
    ),
    'video id twice': (
        lambda c: first(c, 'videos').update(id=2),
        r'videos\[1\]\.id: expected an id that no earlier entry has, got 2',
    ),
    'category id twice': (
        lambda c: first(c, 'categories').update(id=2),
        r'categories\[1\]\.id: expected an id that no earlier',
    ),
    'category without name': (
        lambda c: first(c, 'categories').pop('name'),
        r'categories\[0\]\.name: missing',
    ),
    'id is a string': (
        lambda c: first(c, 'categories').update(id='1'),
        r"categories\[0\]\.id: expected an integer, got '1'",
    ),
    'id is true': (
        lambda c: first(c).update(id=True),
        r'annotations\[0\]\.id: expected an integer, got True',
    ),
    'id with a fraction': (
        lambda c: first(c).update(id=1.5),
        r'annotations\[0\]\.id: expected an integer, got 1.5',
    ),
    'id beyond 64 bits': (
        lambda c: first(c).update(id=2**64),
        r'annotations\[0\]\.id: expected an integer <= 9223372036854775807',
    ),
    'annotation id twice': (
        lambda c: first(c).update(id=2),
        r'annotations\[1\]\.id: expected an id that no earlier entry has, got 2',
    ),
    'unknown category': (
        lambda c: first(c).update(category_id=17),
        r'annotations\[0\]\.category_id: 17 is none of the 3 ids, \[1, 2, 3\]',
    ),
    'unknown video': (
        lambda c: first(c).update(video_id=17),
        r'annotations\[0\]\.video_id: 17 is none of the 3 ids, \[1, 2, 3\]. Was',
    ),
    'no masks': (
        lambda c: first(c).pop('segmentations'),
        r'annotations\[0\]\.segmentations: missing',
    ),
    'masks are no list': (
        lambda c: first(c).update(segmentations={}),
        r'annotations\[0\]\.segmentations: expected a list, got {}',
    ),
    'too few masks': (
        lambda c: first(c)['segmentations'].pop(),
        r'annotations\[0\]\.segmentations: 3 entries, but video 1 has 4 frames',
    ),
    'too few boxes': (
        lambda c: first(c)['bboxes'].pop(),
        r'annotations\[0\]\.bboxes: 3 entries, but video 1 has 4 frames',
    ),
    'too few areas': (
        lambda c: first(c)['areas'].pop(),
        r'annotations\[0\]\.areas: 3 entries, but video 1 has 4 frames',
    ),
    'box of three numbers': (
        lambda c: first(c)['bboxes'][0].pop(),
        r'annotations\[0\]\.bboxes\[0\]: expected a list of length >= 4',
    ),
    'negative box': (
        lambda c: first(c)['bboxes'].__setitem__(0, [1, 2, 3, -4]),
        r'annotations\[0\]\.bboxes\[0\]: expected .* without negative sides',
    ),
    'box of NaN': (
        lambda c: first(c)['bboxes'].__setitem__(0, [1, 2, float('nan'), 4]),
        r'annotations\[0\]\.bboxes\[0\]\[2\]: not JSON: NaN',
    ),
    'box of flags': (
        lambda c: first(c)['bboxes'].__setitem__(0, [True] * 4),
        r'annotations\[0\]\.bboxes\[0\]\[0\]: expected a number, got True',
    ),
    'negative area': (
        lambda c: first(c)['areas'].__setitem__(0, -4),
        r'annotations\[0\]\.areas\[0\]: expected a number >= 0.0, got -4',
    ),
    'area that counts nowhere': (
        lambda c: first(c)['areas'].__setitem__(0, 1e11),
        r'annotations\[0\]\.areas\[0\]: expected a number <= 1',
    ),
    'iscrowd is no flag': (
        lambda c: first(c).update(iscrowd='no'),
        r"annotations\[0\]\.iscrowd: expected .*, got 'no'",
    ),
    'mask is 0': (set_mask(0), rf'{MASK}: expected an object or a list or null, got 0'),
    'mask is empty text': (set_mask(''), rf"{MASK}: expected .* or null, got ''"),
    'mask is false': (set_mask(False), rf'{MASK}: expected .* or null, got False'),
    'mask is {}': (set_mask({}), rf'{MASK}\.size: missing'),
    'RLE without counts': (set_mask(dict(size=[48, 64])), rf'{MASK}\.counts: missing'),
    'RLE turned by 90 degrees': (
        lambda c: first(c)['segmentations'][0].update(size=[64, 48]),
        rf'{MASK}\.size: \[64, 48\] given, but its video has \[height, width\] = \[48',
    ),
    'RLE size is null': (
        lambda c: first(c)['segmentations'][0].update(size=None),
        rf'{MASK}\.size: expected a list, got None',
    ),
    'RLE size of floats': (
        lambda c: first(c)['segmentations'][0].update(size=[48.0, 64]),
        rf'{MASK}\.size\[0\]: expected an integer, got 48.0',
    ),
    'runs of texts': (set_runs(['3']), rf'{MASK}\.counts\[0\]: expected an integer'),
    'runs of null': (set_runs([None]), rf'{MASK}\.counts\[0\]: expected an integer'),
    'no runs': (set_runs([]), rf'{MASK}\.counts: expected a list of length >= 1'),
    'negative runs': (
        set_runs([-1, 3073]),
        rf'{MASK}\.counts\[0\]: expected an integer >= 0, got -1',
    ),
    'huge runs': (set_runs([2**70]), rf'{MASK}\.counts\[0\]: expected an integer <='),
    # Modulo 2**64 they fill the mask.
    'runs that overflow': (
        set_runs([*[2**62] * 4, 3072]),
        rf'{MASK}\.counts\[0\]: expected an integer <= 4294967295, got 4611686',
    ),
    'wrong sum': (
        set_runs([5, 7]),
        rf'{MASK}\.counts: the runs add up to 12, exp',
    ),
    'runs are null': (set_runs(None), rf'{MASK}\.counts: expected a string or a list'),
    'empty RLE': (set_runs(''), rf'{MASK}\.counts: the RLE is empty'),
    'cut RLE': (set_runs('PP'), rf'{MASK}\.counts: the RLE ends in the middle'),
    'RLE of other letters': (set_runs('5中'), rf'{MASK}\.counts: the RLE has the char'),
    'short RLE': (set_runs('54'), rf'{MASK}\.counts: the RLE describes 9 pixels'),
    'flat polygon': (set_mask([5, 5, 9, 5, 9, 9]), rf'{MASK}\[0\]: expected a list'),
    'two points': (set_polygon(1, 2, 3, 4), rf'{MASK}: polygon 1 is \[1.0, 2.0'),
    'odd polygon': (set_polygon(1, 2, 3, 4, 5, 6, 7), rf'{MASK}: polygon 1 is'),
    'empty polygon': (set_mask([[]]), rf'{MASK}: polygon 0 is \[\], expected'),
    'polygon of pairs': (
        set_polygon(*[[1, 2]] * 6),
        rf'{MASK}\[1\]\[0\]: expected a nu',
    ),
    'polygon of texts': (
        set_polygon(*'123456'),
        rf'{MASK}\[1\]\[0\]: expected a number',
    ),
    'polygon of null': (
        set_polygon(1, 2, None, 4, 5, 6),
        rf'{MASK}\[1\]\[2\]: expected',
    ),
    'polygon of NaN': (
        set_polygon(1, 2, float('nan'), 4, 5, 6),
        rf'{MASK}\[1\]\[2\]: not JSON: NaN',
    ),
    'absurd polygon': (set_polygon(1, 2, -1e12, 4, 5, 6), rf'{MASK}: polygon 1 is'),
    'huge polygon': (
        set_polygon(1, 2, 10**400, 4, 5, 6),
        rf'{MASK}\[1\]\[2\]: the n',
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_annotations_are_one_error(content, case):
    edit, message = BAD[case]
    edit(content)
    with pytest.raises(ValueError, match=rf'^a\.json: {message}'):
        parse(content)


@pytest.mark.parametrize(
    ('before', 'after', 'path'),
    [
        ('"info": {}', '"info": {}, "info": {}', r'a\.json'),
        ('"info": {}', '"info": {"a": 1, "a": 1}', r'a\.json: info'),
        ('"height": 48', '"height": 48, "height": 48', r'videos\[0\]'),
        ('"iscrowd": 0', '"iscrowd": 0, "iscrowd": 1', r'annotations\[0\]'),
        ('"size": [48', '"size": [48, 64], "size": [48', rf'{MASK}'),
        ('"counts"', '"counts": [3072], "counts"', rf'{MASK}'),
        ('"counts"', '"a": 1, "a": 1, "counts"', rf'{MASK}'),
        ('"iscrowd": 0', '"iscrowd": 0, "x": {"y": 1, "y": 1}', r'annotations\[0\]\.x'),
        ('"name"', '"name": "a", "name"', r'categories\[0\]'),
    ],
)
def test_keys_that_occur_twice_are_refused(content, before, after, path):
    text = json.dumps(content)
    assert before in text
    text = text.replace(before, after, 1)
    with pytest.raises(ValueError, match=rf"{path}: the key '\w+' occurs twice"):
        parse_ytvis(text.encode(), 'a.json')


def test_more_keys_than_the_format_has_are_fine(content):
    expected = parse(content)
    first(content).update(x={'y': ['"', {'z': 1}]})
    first(content)['segmentations'][0].update(note='a "quoted" text')
    assert parse(content) == expected


def test_optional_fields_may_be_missing_unless_required(content):
    for name in ('iscrowd', 'bboxes', 'areas'):
        del first(content)[name]
    del first(content, 'videos')['length']
    annotation = parse(content)['annotations'][0]
    assert annotation['iscrowd'] == 0
    assert annotation['bboxes'] == annotation['areas'] == [None] * 4
    del first(content, 'videos')['file_names']
    with pytest.raises(ValueError, match=r'videos\[0\]\.file_names: missing'):
        parse(content)
    first(content, 'videos').update(length=4)
    assert parse(content)['videos'][0] == dict(id=1, height=48, width=64, length=4)
    with pytest.raises(ValueError, match=r'videos\[0\]\.file_names: missing'):
        parse(content, required=['file_names'])


@pytest.mark.parametrize('annotations', ['missing', None, []])
def test_official_validation_json(content, annotations):
    content['annotations'] = annotations
    if annotations == 'missing':
        del content['annotations']
    assert parse(content)['annotations'] == []


def test_masks_are_compacted(content):
    mask = np.zeros((48, 64), np.uint8)
    mask[5:20, 5:20] = 1
    square = [[5, 5, 20, 5, 20, 20, 5, 20]]
    masks = [rle_of(mask), rle_of(mask, compressed=False), square, []]
    first(content)['segmentations'] = masks
    text, runs, polygons, absent = parse(content)['annotations'][0]['segmentations']
    assert text == runs == dict(size=[48, 64], counts=rle_of(mask)['counts'].encode())
    assert text['size'] is runs['size']
    assert polygons == [array('d', square[0])]
    assert absent is None
    for compact in (text, polygons):
        np.testing.assert_array_equal(decode_mask(compact, 48, 64), mask)


def test_what_the_official_evaluator_takes_passes_if_not_strict(content):
    first(content).update(id=2, category_id=17)
    first(content)['segmentations'].pop()
    first(content)['segmentations'][0] = dict(size=[2, 3], counts='6')
    loose = parse(content, is_strict=False)['annotations'][0]
    assert (loose['id'], len(loose['segmentations'])) == (2, 3)
    set_runs('5')(content)
    with pytest.raises(ValueError, match=rf'{MASK}\.counts: the RLE describes 5'):
        parse(content, is_strict=False)


NEIGHBOURS = {
    'a json of COCO, single images: .* CocoClipDataset': dict(
        images=[dict(id=1, file_name='a.jpg')], annotations=[dict(image_id=1)]
    ),
    'a json of CocoVID': dict(
        videos=[dict(id=1)],
        images=[dict(id=1, video_id=1)],
        annotations=[dict(image_id=1, instance_id=1)],
    ),
    'a tracking json': dict(
        images=[dict(id=1)], annotations=[dict(image_id=1, track_id=1)]
    ),
    'a json of LabelMe': dict(shapes=[], imagePath='a.jpg'),
    'the record of one video': dict(tracks=[], masks={}, video_id=1),
}


@pytest.mark.parametrize('kind', NEIGHBOURS)
def test_related_formats_are_recognised(kind):
    content = dict(NEIGHBOURS[kind], categories=[dict(id=1, name='a')])
    with pytest.raises(ValueError, match=rf'^a\.json: this is {kind}.*data_preparatio'):
        parse(content)


def test_a_list_is_no_annotation_file():
    with pytest.raises(ValueError, match=r'a\.json: .* got a list. Is it a results fi'):
        parse([dict(score=1)])


def test_videos_are_no_images(content):
    with pytest.raises(ValueError, match='use YouTubeVISDataset'):
        parse_coco(json.dumps(content).encode(), 'a.json')


def test_checks_reach_beyond_one_chunk_of_masks(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvis.structures.json_entries._RLE_AT_ONCE', 3)
    path = make_tiny_vis(tmp_path, kind='compressed')
    assert len(read_ytvis_json(path)['annotations']) == 4
    content = json.loads(path.read_text())
    content['annotations'][2]['segmentations'][1]['counts'] += '1'
    with pytest.raises(ValueError, match=r'annotations\[2\]\.segmentations\[1\]\.cou'):
        parse(content)
