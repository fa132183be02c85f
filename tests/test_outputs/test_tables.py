import csv
import json

from pycocotools import mask as mask_util


def test_csv(result, tmp_path):
    result.classes = ('cat', 'dog', 'big, "red" bird')
    path = result.save(tmp_path, formats='csv')['csv']
    with path.open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['frame'], row['track_id']) for row in rows] == [
        *(('0', '4'), ('0', '5'), ('1', '4'), ('1', '5'), ('2', '5'), ('3', '4')),
        ('3', '5'),
    ]
    assert rows[2] == {
        'frame': '1',
        'time': '0.125',
        'track_id': '4',
        'class': 'dog',
        'score': str(result[0].score),
        'x1': '6.0',
        'y1': '4.0',
        'x2': '16.0',
        'y2': '10.0',
        'area': '60',
    }
    assert rows[1]['class'] == 'big, "red" bird'


def test_json_lines(result, tmp_path):
    path = result.save(tmp_path, formats='jsonl')['jsonl']
    frames = [json.loads(line) for line in path.read_text().splitlines()]
    assert [frame['frame'] for frame in frames] == [0, 1, 2, 3]
    assert [frame['time'] for frame in frames] == [0, 0.125, 0.25, 0.375]
    assert [[track['id'] for track in frame['tracks']] for frame in frames] == [
        *([4, 5], [4, 5], [5], [4, 5]),
    ]
    track = frames[3]['tracks'][0]
    assert (track['class'], track['area']) == ('dog', 60)
    assert track['bbox'] == [14, 4, 24, 10]
    assert mask_util.decode(track['segmentation'])[4:10, 14:24].all()
