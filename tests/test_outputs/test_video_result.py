import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.outputs import VideoResult, best_rows
from mmvis.sources import GeneratedFrames


def test_one_track_for_each_object(result):
    assert len(result) == 3
    tracks = list(result)
    assert [track.id for track in tracks] == [4, 5, 9]
    assert [track.name for track in tracks] == ['dog', 'bird', 'cat']
    assert [track.score for track in tracks] == pytest.approx([0.9, 0.6, 0.05])
    assert [track.frames for track in tracks] == [[0, 1, 3], [0, 1, 2, 3], [3]]
    assert tracks[0].mask(2) is None
    assert tracks[0].mask(1).sum() == 60
    assert result[-1].id == 9
    with pytest.raises(IndexError, match='there are 3 tracks, got index 3'):
        result[3]


def test_what_other_tools_of_the_field_read(result):
    assert result.video_len == 4
    assert result.ori_shape == (20, 30)
    rows = result.pred_track_instances
    assert rows.labels.tolist() == [1, 2, 0]
    assert rows.instances_id.tolist() == [4, 5, 9]


def test_best_rows_of_equal_scores_are_the_first():
    record = InstanceData(
        labels=torch.tensor([2, 0, 1]),
        scores=torch.tensor([0.5, 0.5, 0.5]),
        instances_id=torch.tensor([8, 8, 1]),
        masks=[[None]] * 3,
        bboxes=[[None]] * 3,
    )
    best = best_rows(record)
    assert best.labels.tolist() == [1, 2]
    assert best.instances_id.tolist() == [1, 8]
    assert len(best_rows(record[torch.zeros(3, dtype=torch.bool)])) == 0


def test_masks_and_boxes_are_those_of_all_tracks(result):
    masks, boxes = result.masks(2), result.boxes(2)
    assert masks.shape == (3, 20, 30)
    assert masks.dtype == bool
    assert masks.sum((1, 2)).tolist() == [0, 160, 0]
    assert boxes[1].tolist() == [7, 2, 17, 18]
    assert np.isnan(boxes[[0, 2]]).all()
    for frame in (4, -1):
        with pytest.raises(IndexError, match='clip has frames 0 to 3'):
            result.masks(frame)


def test_frames_have_visible_tracks(result, images):
    frames = list(result.frames())
    assert [frame.ids.tolist() for frame in frames] == [[4, 5], [4, 5], [5], [4, 5, 9]]
    assert [frame.time for frame in frames] == [0, 0.125, 0.25, 0.375]
    assert all(np.array_equal(f.image, image) for f, image in zip(frames, images))
    assert np.array_equal(result.frame(3).image, images[3])


def test_plot_draws_what_is_above_the_threshold(result, images):
    image = result.plot(3, score_thr=0.05)
    assert image.shape == (20, 30, 3)
    changed = (image != images[3]).any(2)
    assert changed[:2, :3].any()  # the cat
    unchanged = result.plot(3, score_thr=0.95)
    assert np.array_equal(unchanged, images[3])
    assert np.array_equal(result.plot(1, images[3], score_thr=0.95), images[3])


def test_save_without_images_needs_no_source(record, tmp_path):
    result = VideoResult(
        record,
        ori_shape=(20, 30),
        times=[0, 1, 2, 3],
        classes=('cat', 'dog', 'bird'),
        cat_ids=(1, 2, 3),
        source=GeneratedFrames(iter([])),
    )
    files = result.save(tmp_path, formats=('csv', 'json'))
    assert files == {'csv': tmp_path / 'video.csv', 'json': tmp_path / 'video.json'}
    with pytest.raises(ValueError, match='can be read only once'):
        result.save(tmp_path / 'out', formats=('video',))
    assert list((tmp_path / 'out').iterdir()) == []


def test_save_never_overwrites(result, tmp_path):
    first = result.save(tmp_path, formats='csv')['csv']
    before = first.read_bytes()
    second = result.save(tmp_path, formats='csv', score_thr=0.7)['csv']
    assert (first.name, second.name) == ('clip.csv', 'clip-2.csv')
    assert first.read_bytes() == before != second.read_bytes()
    assert result.files['csv'] == second


def test_to_pandas(result):
    table = result.to_pandas()
    assert list(table.columns[:5]) == ['frame', 'time', 'track_id', 'class', 'score']
    assert table.frame.tolist() == [0, 0, 1, 1, 2, 3, 3, 3]
    assert table[table.track_id == 4].area.tolist() == [60, 60, 60]
    assert table.iloc[-1][['class', 'x2', 'y2']].tolist() == ['cat', 3, 2]


def test_to_supervision(result):
    detections = result.to_supervision(1)
    assert detections.tracker_id.tolist() == [4, 5]
    assert detections.class_id.tolist() == [1, 2]
    assert detections.data['class_name'].tolist() == ['dog', 'bird']
    assert detections.xyxy.tolist() == [[6, 4, 16, 10], [7, 2, 17, 18]]
    assert detections.mask.sum((1, 2)).tolist() == [60, 160]
    assert detections.confidence == pytest.approx([0.9, 0.6])
    assert len(result.frame(1).above(0.95).to_supervision()) == 0


@pytest.mark.parametrize('name', ['pandas', 'supervision'])
def test_packages_that_are_not_installed(result, monkeypatch, name):
    monkeypatch.setitem(__import__('sys').modules, name, None)
    convert = {'pandas': result.to_pandas, 'supervision': lambda: result.frame(0)}
    with pytest.raises(ValueError, match=f'pip install {name}'):
        convert[name]() if name == 'pandas' else result.to_supervision(0)


def test_repr_names_the_best_tracks(result):
    assert repr(result) == (
        "VideoResult('clip': 4 frames, 3 tracks: dog 0.90, bird 0.60, cat 0.05)"
    )
