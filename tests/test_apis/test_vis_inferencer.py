import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmvis.apis import VISInferencer, init_model
from mmvis.structures import read_video_record


@pytest.fixture(scope='module')
def checkpoint(tiny_config, tmp_path_factory):
    torch.manual_seed(0)
    model = init_model(tiny_config)
    # Prefer objects to no-object, so that there are tracks.
    model.head.class_embed.layers[1].bias.data[-1] -= 3
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    yield path
    DefaultScope._instance_dict.clear()


@pytest.fixture
def frames_dir(tiny_shapes):
    return sorted((tiny_shapes / 'valid/JPEGImages').iterdir())[0]


def assert_equal_tracks(record, expected, tolerance=0.0):
    given, wanted = record.pred_track_instances, expected.pred_track_instances
    assert given.labels.tolist() == wanted.labels.tolist()
    assert given.scores.tolist() == pytest.approx(
        wanted.scores.tolist(), rel=0, abs=tolerance
    )
    assert_equal_masks(given.masks, wanted.masks)


def assert_equal_masks(given, wanted):
    def text(rle):
        counts = rle['counts']
        return counts.decode() if isinstance(counts, bytes) else counts

    assert len(given) == len(wanted)
    for track, expected in zip(given, wanted):
        assert [rle and text(rle) for rle in track] == [
            rle and text(rle) for rle in expected
        ]


@pytest.fixture
def infer(tiny_config, checkpoint):
    def run(inputs, chunk_len=8, options=None, **kwargs):
        inferencer = VISInferencer(
            tiny_config, checkpoint, 'cpu', options, chunk_len=chunk_len
        )
        return inferencer(inputs, show_progress=False, **kwargs)

    return run


def test_same_tracks_as_tools_test(
    infer, frames_dir, call_tool, tiny_config, tiny_options, checkpoint, tmp_path
):
    args = [tiny_config, checkpoint, '--work-dir', tmp_path]
    call_tool('tools/test.py', *args, options=tiny_options)
    expected = read_video_record(tmp_path / 'test_records/video_1.json')
    assert len(expected.pred_track_instances) > 1

    paths = sorted(frames_dir.iterdir())
    arrays = [cv2.imread(str(path)) for path in paths]
    for inputs in (frames_dir, str(frames_dir), paths, arrays):
        assert_equal_tracks(infer(inputs), expected)
    assert_equal_tracks(infer(arrays, chunk_len=1), expected, tolerance=1e-6)


def test_frame_stride_reads_seen_frames_only(infer, frames_dir):
    paths = sorted(frames_dir.iterdir())
    read = []

    class Frames(list):
        def __getitem__(self, index):
            read.append(index)
            return cv2.imread(str(paths[index]))

    options = {'model.test_cfg.frame_stride': 4}
    record = infer(Frames(paths), options=options)
    assert sorted(set(read)) == [0, 4, 5]
    assert record.video_len == 6
    assert all(len(masks) == 6 for masks in record.pred_track_instances.masks)


def test_writes_record_and_overlays(infer, frames_dir, tmp_path):
    path = tmp_path / 'in.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 9, (96, 64))
    for name in sorted(frames_dir.iterdir()):
        writer.write(cv2.imread(str(name)))
    writer.release()

    record = infer(path, out_dir=tmp_path / 'out', score_thr=0)
    content = json.loads((tmp_path / 'out/in.json').read_text())
    scores = record.pred_track_instances.scores.tolist()
    assert [row['score'] for row in content['tracks']] == scores
    labels = {row['label'] for row in content['tracks']}
    assert {row['category'] for row in content['tracks']} == {
        f'class {label}' for label in labels
    }
    video = cv2.VideoCapture(str(tmp_path / 'out/in.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    assert video.get(cv2.CAP_PROP_FPS) == 9
    assert cv2.imread(str(tmp_path / 'out/in.png')) is not None


def test_demo(call_tool, tiny_config, checkpoint, frames_dir, tmp_path, capsys):
    args = [frames_dir, tiny_config, checkpoint, '--out-dir', tmp_path]
    call_tool('demo/video_demo.py', *args)
    output = capsys.readouterr().out
    tracks = json.loads((tmp_path / f'{frames_dir.name}.json').read_text())['tracks']
    assert f'{len(tracks)} tracks in 6 frames' in output
    best = max(tracks, key=lambda track: track['score'])
    assert f'{best["category"]:16s} {best["score"]:.3f}' in output

    with pytest.raises(SystemExit):
        call_tool('demo/video_demo.py', 'no.mp4', *args[1:])
    assert 'the video no.mp4 does not exist' in capsys.readouterr().err


def test_portrait_frames_of_another_size(infer):
    frames = np.random.default_rng(0).integers(0, 255, (2, 90, 40, 3), dtype=np.uint8)
    record = infer(list(frames))
    assert record.ori_shape == (90, 40)
    for masks in record.pred_track_instances.masks:
        assert all(rle is None or rle['size'] == [90, 40] for rle in masks)


def test_mistakes(infer, tmp_path):
    with pytest.raises(ValueError, match=r'has no frames\. Expected are files'):
        infer(tmp_path)
    with pytest.raises(ValueError, match='`inputs` has no frames'):
        infer([])
    with pytest.raises(FileNotFoundError, match=r'no.mp4 does not exist'):
        infer(tmp_path / 'no.mp4')
    frames = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)]
    with pytest.raises(ValueError, match='different shapes'):
        infer(frames)
