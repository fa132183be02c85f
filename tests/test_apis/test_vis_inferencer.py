import itertools
import json
import os
import signal
import threading

import av
import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmvis.apis import VISInferencer, init_model
from mmvis.outputs import best_rows
from mmvis.sources import ArrayFrames, FrameSource, GeneratedFrames
from mmvis.structures import read_video_record
from mmvis.testing import make_tiny_video


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


@pytest.fixture(scope='module')
def inferencer(tiny_config, checkpoint):
    return VISInferencer(tiny_config, checkpoint, 'cpu')


@pytest.fixture
def frames_dir(tiny_shapes):
    return sorted((tiny_shapes / 'valid/JPEGImages').iterdir())[0]


@pytest.fixture
def frames(frames_dir):
    """The six frames of a video, uint8, shape (6, 64, 96, 3)."""
    return np.stack([cv2.imread(str(path)) for path in sorted(frames_dir.iterdir())])


@pytest.fixture
def infer(tiny_config, checkpoint):
    def run(inputs, chunk_len=8, options=None, **kwargs):
        inferencer = VISInferencer(
            tiny_config, checkpoint, 'cpu', options, chunk_len=chunk_len
        )
        return inferencer(inputs, show_progress=False, **kwargs)

    return run


def assert_equal_tracks(given, wanted, tolerance=0.0):
    """Compare records with one row a track."""
    assert given.labels.tolist() == wanted.labels.tolist()
    assert given.instances_id.tolist() == wanted.instances_id.tolist()
    assert given.scores.tolist() == pytest.approx(
        wanted.scores.tolist(), rel=0, abs=tolerance
    )
    assert [list(map(text, track)) for track in given.masks] == [
        list(map(text, track)) for track in wanted.masks
    ]


def text(rle):
    counts = rle and rle['counts']
    return counts.decode() if isinstance(counts, bytes) else counts


def num_frames_of(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_same_tracks_as_tools_test(
    infer,
    frames_dir,
    frames,
    call_tool,
    tiny_config,
    tiny_options,
    checkpoint,
    tmp_path,
):
    args = [tiny_config, checkpoint, '--work-dir', tmp_path]
    call_tool('tools/test.py', *args, options=tiny_options)
    record = read_video_record(tmp_path / 'test_records/video_1.json')
    expected = best_rows(record.pred_track_instances)
    assert 1 < len(expected) < len(record.pred_track_instances)  # one row a track

    paths = sorted(frames_dir.iterdir())
    generated = (frame for frame in frames)
    for inputs in (frames_dir, str(frames_dir), paths, frames, generated):
        assert_equal_tracks(infer(inputs).pred_track_instances, expected)
    tracks = infer(frames, chunk_len=1).pred_track_instances
    assert_equal_tracks(tracks, expected, tolerance=1e-6)


def test_frame_stride_reads_seen_frames_only(infer, frames_dir):
    paths = sorted(frames_dir.iterdir())
    read = []

    class Frames(list):
        def __getitem__(self, index):
            read.append(index)
            return cv2.imread(str(paths[index]))

    options = {'model.test_cfg.frame_stride': 4}
    result = infer(Frames(paths), options=options)
    assert read == [0, 4, 5]
    assert result.video_len == 6
    assert all(len(masks) == 6 for masks in result.pred_track_instances.masks)


def test_stream_equals_the_whole_video(inferencer, frames):
    """Frames are yielded before the source ends, with the same masks and ids."""
    result = inferencer(frames, show_progress=False)
    asked = []

    def generate():
        for i, frame in enumerate(frames):
            asked.append(i)
            yield frame

    seen = {}
    for frame in inferencer.stream(generate(), score_thr=0):
        assert len(asked) - 1 - frame.frame_id <= 3  # clip_len
        assert np.array_equal(frame.image, frames[frame.frame_id])
        assert frame.time == frame.frame_id / 6
        seen[frame.frame_id] = {track.id: track for track in frame}
    assert list(seen) == list(range(6))
    assert len(result) > 1
    for track in result:
        for t in track.frames:
            assert seen[t][track.id].rle['counts'] == text(track.rles[t])
            assert seen[t][track.id].box == track.boxes[t]
            assert np.array_equal(seen[t][track.id].mask, track.mask(t))


def test_watching_gives_frames_and_the_whole_result(inferencer, frames):
    num_read = []
    watched = inferencer.watch(frames, on_read=num_read.append)
    seen = []
    while True:
        try:
            seen.append(next(watched))
        except StopIteration as end:
            result = end.value
            break
    assert [frame.frame_id for frame in seen] == list(range(6))
    assert sum(num_read) == 6
    wanted = inferencer(frames, show_progress=False)
    assert_equal_tracks(result.pred_track_instances, wanted.pred_track_instances)
    for t, frame in enumerate(seen):
        assert (frame.image == frames[t]).all()
        # A track that is unlikely in the end has no row in the result.
        assert set(frame.ids) >= set(result.frame(t, frames[t]).ids)


def test_frames_between_seen_ones_are_streamed(tiny_config, checkpoint, frames):
    options = {'model.test_cfg.frame_stride': 4}
    inferencer = VISInferencer(tiny_config, checkpoint, 'cpu', options)
    result = inferencer(frames, show_progress=False)
    streamed = list(inferencer.stream(iter(frames), score_thr=0))
    assert [frame.frame_id for frame in streamed] == list(range(6))
    for frame in streamed:
        assert frame.ids.tolist() == result.frame(frame.frame_id).ids.tolist()
        assert np.array_equal(frame.masks, result.frame(frame.frame_id).masks)


class Counted(GeneratedFrames):
    """Endless frames; knows how many of them are alive."""

    def __init__(self, frames):
        super().__init__(itertools.cycle(frames))
        self.alive = 0
        self.most_alive = 0

    def __iter__(self):
        for frame in super().__iter__():
            yield frame._replace(load=_Load(self, frame.load))


class _Load:
    def __init__(self, source, load):
        self.source, self.load = source, load
        source.alive += 1
        source.most_alive = max(source.most_alive, source.alive)

    def __del__(self):
        self.source.alive -= 1

    def __call__(self):
        return self.load()


def test_endless_source_keeps_a_window(inferencer, frames):
    source = Counted(frames)
    for frame in inferencer.stream(source):
        if frame.frame_id == 40:
            break
    assert source.most_alive <= 6  # a clip of 3, the frame in hand, those that wait


def test_leaving_the_loop_finishes_the_outputs(inferencer, frames, tmp_path):
    stream = inferencer.stream(
        itertools.cycle(frames), tmp_path, formats=('video', 'csv', 'jsonl', 'masks')
    )
    for frame in stream:
        if frame.frame_id == 4:
            break
    stream.close()
    assert num_frames_of(tmp_path / 'video.mp4') == 5
    assert len((tmp_path / 'video.jsonl').read_text().splitlines()) == 5
    assert (tmp_path / 'video.csv').read_text().startswith('frame,time,track_id')
    assert len(list((tmp_path / 'video_masks').glob('*.png'))) == 5
    assert not list(tmp_path.glob('.*'))


def test_ctrl_c_in_a_stream_finishes_the_outputs(inferencer, frames, tmp_path):
    def interrupted():
        yield from frames[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(inferencer.stream(interrupted(), tmp_path))
    num_frames = num_frames_of(tmp_path / 'video.mp4')
    assert num_frames >= 2
    assert len((tmp_path / 'video.jsonl').read_text().splitlines()) == num_frames
    assert sorted(p.name for p in tmp_path.iterdir()) == ['video.jsonl', 'video.mp4']


def test_ctrl_c_ends_a_video_with_all_outputs(
    inferencer, frames, tmp_path, capsys, sigint
):
    def interrupted():
        for i in itertools.count():
            if i == 20:
                os.kill(os.getpid(), signal.SIGINT)
            yield frames[i % 6]

    result = inferencer(interrupted(), tmp_path, show_progress=False)
    assert result.video_len == 24  # the chunk of 8 that was being read
    assert num_frames_of(tmp_path / 'video.mp4') == 24
    assert read_video_record(tmp_path / 'video.json').video_len == 24
    assert 'finishing with the frames so far' in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_may_infer(inferencer, frames):
    results = []
    thread = threading.Thread(
        target=lambda: results.append(inferencer(frames, show_progress=False))
    )
    thread.start()
    thread.join()
    assert results[0].video_len == 6


def test_writes_record_and_overlays(infer, frames_dir, tmp_path):
    path = tmp_path / 'in.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 9, (96, 64))
    for name in sorted(frames_dir.iterdir()):
        writer.write(cv2.imread(str(name)))
    writer.release()

    result = infer(path, out_dir=tmp_path / 'out', score_thr=0)
    content = json.loads((tmp_path / 'out/in.json').read_text())
    scores = result.pred_track_instances.scores.tolist()
    assert [row['score'] for row in content['tracks']] == scores
    labels = {row['label'] for row in content['tracks']}
    assert {row['category'] for row in content['tracks']} == {
        f'class {label}' for label in labels
    }
    video = cv2.VideoCapture(str(tmp_path / 'out/in.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    assert video.get(cv2.CAP_PROP_FPS) == 9
    assert cv2.imread(str(tmp_path / 'out/in.png')) is not None
    assert result.files == {
        'json': tmp_path / 'out/in.json',
        'video': tmp_path / 'out/in.mp4',
        'strip': tmp_path / 'out/in.png',
    }


def test_overlay_keeps_the_timing_of_the_source(inferencer, tmp_path):
    times = [0, 0.1, 0.15, 0.9, 1]
    path = make_tiny_video(tmp_path / 'a.mkv', 5, times=times, size=(64, 96))
    inferencer(path, tmp_path / 'out', formats=('video',), show_progress=False)
    with av.open(str(tmp_path / 'out/a.mp4')) as container:
        shown = [frame.time for frame in container.decode(video=0)]
    assert shown == pytest.approx(times, abs=1e-3)


def test_frames_readable_once_are_drawn_during_inference(inferencer, frames, tmp_path):
    result = inferencer(iter(frames), tmp_path, show_progress=False)
    assert num_frames_of(tmp_path / 'video.mp4') == 6
    assert cv2.imread(str(tmp_path / 'video.png')) is not None
    assert read_video_record(tmp_path / 'video.json').video_len == 6
    with pytest.raises(ValueError, match='can be read only once'):
        result.plot(2)
    assert result.plot(2, frames[2]).shape == (64, 96, 3)


def test_several_videos(inferencer, tmp_path):
    for folder, num_frames in (('x', 2), ('y', 3)):
        (tmp_path / folder).mkdir()
        make_tiny_video(tmp_path / folder / 'dog.mp4', num_frames, size=(64, 96))
    paths = sorted(tmp_path.glob('*/dog.mp4'))
    results = inferencer(paths, tmp_path / 'out', show_progress=False)
    assert [result.video_len for result in results] == [2, 3]
    assert read_video_record(tmp_path / 'out/dog.json').video_len == 2
    assert read_video_record(tmp_path / 'out/dog-2.json').video_len == 3
    (result,) = inferencer(tmp_path / 'x', show_progress=False)
    assert result.video_len == 2
    with pytest.raises(ValueError, match='are 2 videos, expected one'):
        inferencer.stream(paths)


@pytest.mark.parametrize('name', ['holiday.mp4', '..mp4', '.mp4', 'a' * 250 + '.mp4'])
def test_input_is_not_changed(inferencer, tmp_path, name):
    """The outputs go to the folder of the input, whatever its name."""
    path = make_tiny_video(tmp_path / 'a.mkv', 2, size=(64, 96)).rename(tmp_path / name)
    before = path.read_bytes()
    result = inferencer(path, tmp_path, show_progress=False)
    assert path.read_bytes() == before
    assert set(tmp_path.iterdir()) == {path, *result.files.values()}
    assert len(result.files) == 3


def test_name_that_is_not_utf_8(inferencer, tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b'/b\xff.mp4')
    make_tiny_video(tmp_path / 'a.mp4', 2, size=(64, 96)).rename(name)
    formats = ('json', 'video', 'coco')
    result = inferencer(name, tmp_path / 'out', formats=formats, show_progress=False)
    assert sorted(p.name for p in result.files.values()) == [
        *('b_.json', 'b_.mp4', 'b__coco.json'),
    ]


def test_damaged_video_is_reported(inferencer, tmp_path, capsys):
    path = make_tiny_video(tmp_path / 'a.avi', 60, codec='mjpeg', pix_fmt='yuvj420p')
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = inferencer(path, show_progress=False)
    assert result.video_len < 60
    assert 'of 60 frames may be missing' in capsys.readouterr().err
    assert 'of 60 frames could be decoded' in result.damage
    with pytest.raises(ValueError, match=r'a\.avi is damaged'):
        inferencer(path, on_damage='stop', out_dir=tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_progress_and_how_the_video_is_cut(inferencer, frames, tmp_path, capsys):
    inferencer(frames, tmp_path)
    said = capsys.readouterr().err
    assert said.startswith(
        'video: 6 frames, 6 a second; clips of 3 frames, one every 1'
    )
    assert '6/6' in said
    assert 'frames/s' in said
    assert f'written: {tmp_path}/video.json' in said
    assert 'time: reading ' in said


def test_random_weights_are_reported(tiny_config, checkpoint, capsys):
    VISInferencer(tiny_config, device='cpu')
    assert 'warning: no checkpoint was given' in capsys.readouterr().err
    VISInferencer(tiny_config, checkpoint, device='cpu')
    assert capsys.readouterr().err == ''


def test_name_loads_published_weights(tmp_path, monkeypatch):
    """A model without any is an error, never a model with random weights."""
    monkeypatch.setenv('MMVIS_HOME', str(tmp_path))
    with pytest.raises((ValueError, KeyError, OSError), match='ifc_small_shapes'):
        VISInferencer('ifc_small_shapes', device='cpu')


def test_nan_is_an_error_that_names_the_frame(tiny_config, checkpoint, frames):
    inferencer = VISInferencer(tiny_config, checkpoint, 'cpu')
    weights = inferencer.model.head.class_embed.layers[1].weight
    weights.data.fill_(float('nan'))
    with pytest.raises(FloatingPointError, match='NaN in frame 0, 1, 2'):
        inferencer(frames, show_progress=False)


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


def test_portrait_frames_of_another_size(inferencer):
    frames = np.random.default_rng(0).integers(0, 255, (2, 90, 40, 3), dtype=np.uint8)
    result = inferencer(list(frames), show_progress=False)
    assert result.ori_shape == (90, 40)
    for masks in result.pred_track_instances.masks:
        assert all(rle is None or rle['size'] == [90, 40] for rle in masks)


def test_mistakes(inferencer, tmp_path):
    def infer(inputs, **options):
        return inferencer(inputs, show_progress=False, **options)

    with pytest.raises(ValueError, match=r'has no frames\. Expected are files'):
        infer(tmp_path)
    with pytest.raises(ValueError, match='`inputs` has no frames'):
        infer([])
    with pytest.raises(ValueError, match=r'video has no frames'):
        infer(iter([]))
    with pytest.raises(FileNotFoundError, match=r'no.mp4 does not exist'):
        infer(tmp_path / 'no.mp4')
    frames = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)]
    with pytest.raises(ValueError, match=r'frame 1 has \(8, 9\) pixels.*\(8, 8\)'):
        infer(frames)
    with pytest.raises(ValueError, match=r"has 'avi'\. Known formats are: json"):
        infer(frames[:1], formats=['avi'])
    for formats in (None, 5):
        with pytest.raises(TypeError, match='`formats` must be a list of formats, got'):
            infer(frames[:1], formats=formats)
    for out_dir in (5, 'a\0b'):
        with pytest.raises((TypeError, ValueError), match='`out_dir` must be the path'):
            infer(frames[:1], out_dir=out_dir)
        with pytest.raises((TypeError, ValueError), match='`out_dir` must be the path'):
            inferencer.stream(frames, out_dir)
    with pytest.raises(ValueError, match=r'frame 0 has \(1, 500\) pixels .* 64 times'):
        infer(np.zeros((1, 1, 500, 3), np.uint8))
    for score_thr in (float('nan'), '0.3', None, 10**400):
        with pytest.raises((ValueError, TypeError), match='`score_thr` must be'):
            infer(frames[:1], score_thr=score_thr)
    with pytest.raises(ValueError, match='has json, which need the whole video'):
        inferencer.stream(frames, tmp_path, formats=['json', 'video'])


def test_mistakes_are_found_before_inference(inferencer, frames_dir, tmp_path):
    class Untouched(FrameSource):
        def __iter__(self):
            raise AssertionError('inference began')

    out = tmp_path / 'out'
    with pytest.raises(ValueError, match='`fps` must be a number'):
        inferencer(frames_dir, out, fps=float('inf'))
    assert not out.exists()
    (tmp_path / 'file').write_text('no folder')
    with pytest.raises(OSError, match='file'):
        inferencer(Untouched(), tmp_path / 'file', show_progress=False)
    with pytest.raises(ValueError, match='is the folder of the frames themselves'):
        inferencer(frames_dir, frames_dir, show_progress=False)


def test_failed_video_leaves_no_files(inferencer, tmp_path):
    frames = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)]
    with pytest.raises(ValueError, match='frame 1 has'):
        inferencer(ArrayFrames(frames), tmp_path, show_progress=False)
    assert list(tmp_path.iterdir()) == []
