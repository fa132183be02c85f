import json
import re
import subprocess

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.report import write_html_report
from mmvis.report.video_pages import FrameStyle

SIZE = (40, 60)
T = 5
HOSTILE = '</script><img src=x onerror="document.title=\'run\'">\x1b[2J'


def box(x, y=10, w=20, h=15):
    mask = np.zeros(SIZE, dtype=np.uint8, order='F')
    mask[y : y + h, x : x + w] = 1
    return mask_utils.encode(mask)


def track(masks, **fields):
    return dict(segmentations=masks, **fields)


@pytest.fixture
def data(tmp_path):
    """Three videos: found, found elsewhere, and not found at all."""
    gt = dict(
        videos=[
            dict(
                id=v,
                height=SIZE[0],
                width=SIZE[1],
                file_names=[f'video{v}/{t}.png' for t in range(T)],
            )
            for v in range(3)
        ],
        categories=[dict(id=1, name='cat'), dict(id=2, name=HOSTILE)],
        annotations=[
            track(
                [box(4 + t) for t in range(T)],
                id=v + 1,
                video_id=v,
                category_id=2,
                iscrowd=0,
                areas=[300] * T,
            )
            for v in range(3)
        ],
    )
    results = [
        track([box(4 + t) for t in range(T)], video_id=0, category_id=2, score=0.9),
        track([box(4 + t) for t in range(T)], video_id=0, category_id=1, score=0.5),
        track([box(16), None] + [box(18)] * 3, video_id=1, category_id=2, score=0.8),
        track([box(40)] * T, video_id=1, category_id=1, score=0.1),
    ]
    for video in gt['videos']:
        for t, name in enumerate(video['file_names']):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), np.full((*SIZE, 3), 20 * t, np.uint8))
    return gt, results, tmp_path


def written(data, **kwargs):
    gt, results, root = data
    path = root / 'report.html'
    write_html_report(path, gt, results, frame_root=root, title=HOSTILE, **kwargs)
    text = path.read_text()
    content = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1]
    return path, text, json.loads(content)


def test_numbers_categories_and_errors(data):
    _, _, content = written(data)
    assert content['stats']['AP50'] == pytest.approx(34 / 101)  # one track of three
    (category,) = content['categories']  # 'cat' has no track
    assert (category['name'], category['num_tracks']) == (HOSTILE, 3)
    assert category['precision'][:34] == [1] * 34
    assert category['precision'][34:] == [0] * 67
    counts = {kind: error['count'] for kind, error in content['errors'].items()}
    assert counts == {
        'class': 1,  # of video 0 as a cat
        'mask': 1,
        'switch': 0,
        'duplicate': 0,
        'background': 1,
        'missed': 1,
    }


def test_worst_videos_come_first_then_the_best(data):
    _, _, content = written(data)
    assert [video['name'] for video in content['videos']] == [
        'video1',
        'video2',
        'video0',
    ]
    _, _, content = written(data, max_videos=2)
    assert [video['name'] for video in content['videos']] == ['video1', 'video0']


def test_a_video_shows_each_object_once_above_the_threshold(data):
    *_, content = written(data)
    videos = {video['name']: video for video in content['videos']}
    truth, found = videos['video0']['tracks']
    assert truth['is_gt']
    assert truth['kind'] is None
    assert (found['score'], found['kind']) == (0.9, 'true')
    _, misplaced = videos['video1']['tracks']
    assert misplaced['kind'] == 'mask'
    assert [path is None for path in misplaced['paths']] == [
        False,
        True,
        False,
        False,
        False,
    ]
    (missed,) = videos['video2']['tracks']
    assert missed['kind'] == 'missed'


def test_outlines_are_in_pixels_of_the_shown_frame(data):
    style = FrameStyle(max_side=120, max_frames=3)
    *_, content = written(data, style=style)
    video = next(v for v in content['videos'] if v['name'] == 'video0')
    assert (video['width'], video['height']) == (60, 40)  # never enlarged
    assert [frame['id'] for frame in video['frames']] == [0, 2, 4]
    *_, content = written(data, style=FrameStyle(max_side=32))
    video = next(v for v in content['videos'] if v['name'] == 'video0')
    assert (video['width'], video['height']) == (32, 21)
    numbers = np.array(re.findall(r'[\d.]+', video['tracks'][0]['paths'][0]), float)
    x, y = numbers.reshape(-1, 2).T
    assert x.min() == pytest.approx(4.5 * 32 / 60, abs=0.1)
    assert x.max() == pytest.approx(23.5 * 32 / 60, abs=0.1)
    assert y.max() == pytest.approx(24.5 * 21 / 40, abs=0.1)


def test_holes_of_masks_stay_holes(data):
    gt, results, root = data
    mask = np.zeros(SIZE, dtype=np.uint8, order='F')
    mask[5:30, 5:50] = 1
    mask[12:20, 15:40] = 0
    results[0]['segmentations'][0] = mask_utils.encode(mask)
    *_, content = written((gt, results, root))
    video = next(v for v in content['videos'] if v['name'] == 'video0')
    assert video['tracks'][1]['paths'][0].count('M') == 2


def test_texts_of_the_data_set_are_escaped(data):
    _, text, _ = written(data)
    assert text.count('</script>') == 2
    assert '<img' not in text
    assert '\x1b' not in text


def test_without_frames_there_are_numbers_only(data):
    gt, results, root = data
    write_html_report(root / 'r.html', gt, results)
    assert '"videos": []' in (root / 'r.html').read_text()


def test_wrong_arguments_are_named(data):
    gt, results, root = data
    with pytest.raises(UserValueError, match='annotations'):
        write_html_report(root / 'r.html', dict(gt, annotations=[]), results)
    with pytest.raises(UserValueError, match='max_videos'):
        write_html_report(root / 'r.html', gt, results, max_videos=-1)
    with pytest.raises(UserValueError, match=r'`quality` must be in \[1, 100\]'):
        FrameStyle(quality=0)
    (root / 'video0/3.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'3\.png'):
        written((gt, results, root))


def test_page_in_a_browser(data, chromium):
    path, *_ = written(data)
    command = [chromium, '--headless', '--no-sandbox', '--disable-gpu']
    command += [f'--user-data-dir={path.parent}', '--virtual-time-budget=2000']
    dom = subprocess.run(
        [*command, '--dump-dom', path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    body = dom[: dom.index('<script type="application/json"')]
    assert body.count('class="video"') == 3
    assert body.count('<path ') == 2  # both tracks of the first frame shown
    assert '&lt;/script&gt;&lt;img' in body
    assert '<img src="x"' not in body
    assert '<title>run</title>' not in dom
