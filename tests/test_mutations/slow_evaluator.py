"""A judge of annotations, results and AP that shares nothing with the package.

Written from the definition of the format and of the metric: pixels, dictionaries and
loops, nothing fast. ``is_valid_*`` answer for parsed JSON with NaN allowed.
"""

import json
import math

import numpy as np
from pycocotools import mask as mask_utils

DIGITS = {chr(code) for code in range(48, 112)}


class InvalidJSONError(ValueError):
    """A text that strict JSON, without repeated keys, does not allow."""


def strict_loads(data):
    """Parse bytes as strict JSON."""

    def pairs(items):
        if len(dict(items)) < len(items):
            raise InvalidJSONError('a key twice')
        return dict(items)

    def constant(name):
        raise InvalidJSONError(name)

    def integer(text):
        return int(text) if len(text) < 4000 else 10**4000

    try:
        text = data.decode('utf-8-sig')
        return json.loads(
            text, object_pairs_hook=pairs, parse_constant=constant, parse_int=integer
        )
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise InvalidJSONError(str(error)) from error


def is_int(value, low=-(2**63), high=2**63 - 1):
    return type(value) is int and low <= value <= high


def is_number(value, low=-math.inf, high=math.inf):
    if type(value) not in (int, float) or value != value:
        return False
    try:
        return math.isfinite(float(value)) and low <= value <= high
    except OverflowError:
        return False


def runs_of(text):
    """Run lengths of compressed RLE, None if the text is none."""
    values, shift, value = [], 0, 0
    for char in text:
        if char not in DIGITS or shift > 30:
            return None
        digit = ord(char) - 48
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            value -= (1 << shift) if digit & 16 else 0
            values.append(value + values[-2] if len(values) > 2 else value)
            value = shift = 0
    return values if shift == 0 and values else None


def is_rle(mask, size, only_text=False):
    if type(mask) is not dict or mask.get('size') != size or 'counts' not in mask:
        return False
    if not all(type(side) is int for side in mask['size']):
        return False
    runs = mask['counts']
    if type(runs) is str:
        runs = runs_of(runs)
    elif only_text:
        return False
    if type(runs) is not list or not runs:
        return False
    is_sound = all(is_int(run, 0) for run in runs)
    return is_sound and sum(runs) == size[0] * size[1]


def is_polygon(polygon):
    return (
        type(polygon) is list
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and all(is_number(value, -65536, 65536) for value in polygon)
    )


def is_mask(mask, size):
    if type(mask) is list:
        return all(map(is_polygon, mask))
    return mask is None or is_rle(mask, size)


def is_box(box):
    return box is None or (
        type(box) is list
        and len(box) == 4
        and all(is_number(value, -(2.0**31), 2.0**31) for value in box)
        and min(box[2:]) >= 0
    )


def is_list_of(values, is_entry, length=None):
    is_long = type(values) is list and length in (None, len(values))
    return is_long and all(map(is_entry, values))


def is_name(name):
    return type(name) is str and name != '' and '\0' not in name and '://' not in name


def is_valid_video(video):
    if type(video) is not dict or not is_int(video.get('id')):
        return False
    if not all(is_int(video.get(side), 1, 65535) for side in ('height', 'width')):
        return False
    if video['height'] * video['width'] > 2**28:
        return False
    names = video.get('file_names')
    has_names = 'file_names' in video
    if has_names and not (is_list_of(names, is_name) and names):
        return False
    if 'length' in video:
        length = video['length']
        return is_int(length, 1, 2**31) and (not has_names or length == len(names))
    return has_names


def length_of(video):
    return video['length'] if 'length' in video else len(video['file_names'])


def is_valid_category(category):
    return (
        type(category) is dict
        and is_int(category.get('id'))
        and type(category.get('name')) is str
    )


def has_unique_ids(entries):
    return len({entry['id'] for entry in entries}) == len(entries)


def is_valid_track(track, videos, categories):
    """What annotations and results share, but for the masks."""
    if type(track) is not dict:
        return False
    ids = [track.get('video_id'), track.get('category_id')]
    if not all(map(is_int, ids)) or ids[0] not in videos or ids[1] not in categories:
        return False
    return type(track.get('segmentations')) is list and (
        len(track['segmentations']) == length_of(videos[ids[0]])
    )


def is_valid_annotation(annotation, videos, categories):
    if not is_valid_track(annotation, videos, categories):
        return False
    video = videos[annotation['video_id']]
    size, length = [video['height'], video['width']], length_of(video)
    flag = annotation.get('iscrowd')
    boxes, areas = annotation.get('bboxes'), annotation.get('areas')

    def is_area(area):
        return area is None or is_number(area, 0, 1e10)

    return (
        is_int(annotation.get('id'))
        and (type(flag) is bool or (type(flag) is int and flag in (0, 1)))
        and all(is_mask(mask, size) for mask in annotation['segmentations'])
        and (boxes is None or is_list_of(boxes, is_box, length))
        and is_list_of(areas, is_area, length)
    )


def is_valid_ground_truth(gt):
    if type(gt) is not dict:
        return False
    for key, is_entry in (
        ('videos', is_valid_video),
        ('categories', is_valid_category),
    ):
        entries = gt.get(key)
        if (
            not is_list_of(entries, is_entry)
            or not entries
            or not has_unique_ids(entries)
        ):
            return False
    videos = {video['id']: video for video in gt['videos']}
    categories = {category['id'] for category in gt['categories']}
    annotations = gt.get('annotations')
    return annotations is None or (
        type(annotations) is list
        and all(is_valid_annotation(a, videos, categories) for a in annotations)
        and has_unique_ids(annotations)
    )


def is_valid_results(results, gt):
    videos = {video['id']: video for video in gt['videos']}
    categories = {category['id'] for category in gt['categories']}

    def is_entry(entry):
        if not is_valid_track(entry, videos, categories):
            return False
        video = videos[entry['video_id']]
        size = [video['height'], video['width']]
        return is_number(entry.get('score'), -1e300, 1e300) and all(
            mask is None or is_rle(mask, size, only_text=True)
            for mask in entry['segmentations']
        )

    return is_list_of(results, is_entry)


def is_valid_record(record):
    if type(record) is not dict or not is_int(record.get('video_id')):
        return False
    size, length = record.get('ori_shape'), record.get('video_len')
    is_size = is_list_of(size, lambda side: is_int(side, 1, 65535), 2)
    if not is_size or not is_int(length, 1, 2**31):
        return False

    def is_row(row):
        return (
            type(row) is dict
            and is_int(row.get('instance_id'))
            and is_int(row.get('label'), 0, 2**31)
            and is_number(row.get('score'), -1e300, 1e300)
        )

    def is_box_or_none(box):
        is_numbers = is_list_of(box, lambda v: is_number(v, -(2.0**31), 2.0**31), 4)
        return box is None or is_numbers

    def is_text_rle(mask):
        return mask is None or is_rle(mask, size, only_text=True)

    rows = record.get('tracks')
    if not is_list_of(rows, is_row):
        return False
    ids = {str(row['instance_id']) for row in rows}
    return all(
        type(record.get(key)) is dict
        and record[key].keys() == ids
        and all(is_list_of(track, is_entry, length) for track in record[key].values())
        for key, is_entry in (('bboxes', is_box_or_none), ('masks', is_text_rle))
    )


def draw(mask, height, width):
    """Pixels of a mask, bool, (H, W); polygons as the official tools draw them."""
    if not mask:
        return np.zeros((height, width), bool)
    if type(mask) is list:
        rles = mask_utils.frPyObjects(mask, height, width)
        return mask_utils.decode(mask_utils.merge(rles)).astype(bool)
    runs = mask['counts']
    runs = runs_of(runs) if type(runs) is str else runs
    flat = [n % 2 for n, run in enumerate(runs) for _ in range(run)]
    return np.array(flat, bool).reshape(width, height).T


def iou_of(track_a, track_b):
    inter = sum(int((a & b).sum()) for a, b in zip(track_a, track_b))
    union = sum(int((a | b).sum()) for a, b in zip(track_a, track_b))
    return inter / union if union else 0.0


def average_precision(gt, results):
    """AP over IoU 0.50:0.95 and categories, tracks of all sizes; -1 if there are none.

    Written from the definition: per category and threshold, predictions of all
    videos by score; each takes the unmatched annotation of its video that it
    overlaps most; precision read at 101 points of recall.
    """
    videos = {video['id']: video for video in gt['videos']}

    def pixels(track):
        video = videos[track['video_id']]
        size = video['height'], video['width']
        return [draw(mask, *size) for mask in track['segmentations']]

    values = []
    for category in sorted(entry['id'] for entry in gt['categories']):
        truth = {video_id: [] for video_id in videos}
        for track in gt.get('annotations') or []:
            if track['category_id'] == category:
                is_crowd = bool(track['iscrowd']) or mean_area(track) > 1e10
                truth[track['video_id']].append((pixels(track), is_crowd))
        num_gts = sum(not crowd for tracks in truth.values() for _, crowd in tracks)
        if num_gts == 0:
            continue
        ranked = []
        for video_id in sorted(videos):
            tracks = [
                r
                for r in results
                if (r['video_id'], r['category_id']) == (video_id, category)
            ]
            tracks = sorted(tracks, key=lambda r: -r['score'])[:100]
            ious = [[iou_of(pixels(r), g) for g, _ in truth[video_id]] for r in tracks]
            ranked += [
                (r['score'], video_id, row, ious[row]) for row, r in enumerate(tracks)
            ]
        ranked.sort(key=lambda item: -item[0])
        for threshold in np.linspace(0.5, 0.95, 10):
            values += precisions(ranked, truth, threshold, num_gts)
    return sum(values) / len(values) if values else -1.0


def mean_area(track):
    areas = [area for area in track['areas'] if area]
    return sum(areas) / len(areas) if areas else 0


def precisions(ranked, truth, threshold, num_gts):
    """Precision at 101 recall points; matching is per video, best score first."""
    taken = {video_id: set() for video_id in truth}
    outcome = {}
    for _, video_id, row, ious in sorted(ranked, key=lambda item: item[2]):
        tracks = truth[video_id]
        best = None
        for crowds in (False, True):  # a crowd takes what nothing else does
            for g, iou in enumerate(ious):
                is_free = crowds or g not in taken[video_id]
                is_candidate = tracks[g][1] == crowds and is_free
                reached = max(threshold if best is None else ious[best], threshold)
                if is_candidate and iou >= min(reached, 1 - 1e-10):
                    best = g
            if best is not None:
                break
        if best is None:
            outcome[video_id, row] = 'false'
        else:
            taken[video_id].add(best)
            outcome[video_id, row] = 'ignored' if tracks[best][1] else 'true'
    found = false = 0
    curve = []
    for _, video_id, row, _ in ranked:
        found += outcome[video_id, row] == 'true'
        false += outcome[video_id, row] == 'false'
        curve.append((found / num_gts, found / max(found + false, 1)))
    return [
        max((p for recall, p in curve if recall >= point), default=0.0)
        for point in np.linspace(0, 1, 101)
    ]
