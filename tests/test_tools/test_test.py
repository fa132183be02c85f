import json
import shlex
import shutil
import socket
import zipfile
from pathlib import Path

import cv2
import pytest
from mmengine.config import Config
from pycocotools import mask as mask_utils

from mmvis.commands import main as run_command
from mmvis.models.vis import make_fast
from mmvis.models.vis.base import ClipVISModel

REPO = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def checkpoint(tiny_config, tmp_path_factory):
    """Weights of the tiny model, seeded."""
    import torch
    from mmengine.registry import DefaultScope, init_default_scope

    from mmvis.registry import MODELS

    torch.manual_seed(0)
    init_default_scope('mmvis')
    model = MODELS.build(Config.fromfile(tiny_config).model)
    # Prefer objects to no-object, so that there are tracks.
    model.head.class_embed.layers[1].bias.data[-1] -= 3
    DefaultScope._instance_dict.clear()
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def run_test(call_tool, tiny_config, tiny_options, checkpoint):
    def run(work_dir, *args, options=()):
        args = [checkpoint, '--work-dir', work_dir, *args]
        call_tool(
            'tools/test.py', tiny_config, *args, options=[*tiny_options, *options]
        )
        return json.loads((work_dir / 'results.json').read_text())

    return run


@pytest.fixture
def predicted_chunks(monkeypatch):
    """List the frames of every chunk that reaches the model."""
    chunks = []
    predict = ClipVISModel.predict

    def note(self, inputs, data_samples):
        frames = data_samples[0].video_data_samples
        chunks.append((frames[0].video_id, [frame.frame_id for frame in frames]))
        return predict(self, inputs, data_samples)

    monkeypatch.setattr(ClipVISModel, 'predict', note)
    return chunks


def test_writes_results_zip_table_and_overlays(run_test, tmp_path, capsys):
    results = run_test(tmp_path, '--show-dir', tmp_path / 'show', '--show-score-thr', 0)

    assert {entry['video_id'] for entry in results} == {1, 2}
    assert all(len(entry['segmentations']) == 6 for entry in results)
    output = capsys.readouterr().out
    # Device, checkpoint, two of progress, where the results are, how to look at them.
    lines = output.splitlines()
    assert len(lines) - sum(line[:1] in '|+' for line in lines) == 8, output
    words = shlex.split(lines[-1].removeprefix('to look at errors: '))
    page = tmp_path / 'report.html'
    run_command([*words[1:], '--out', str(page)])
    assert page.read_text().count('data:image/jpeg') == 12
    assert 'test 12/12 frames' in output
    assert '| videos | AP ' in output
    named = tmp_path / 'results.submission_file.zip'
    assert f'to submit: {named}' in output
    with zipfile.ZipFile(named) as archive:
        assert json.loads(archive.read('results.json')) == results
    for video_id in (1, 2):
        assert cv2.imread(str(tmp_path / f'show/video_{video_id}.png')) is not None
        video = cv2.VideoCapture(str(tmp_path / f'show/video_{video_id}.mp4'))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 6


def test_resume_runs_only_unfinished_videos(run_test, tmp_path, predicted_chunks):
    whole = run_test(tmp_path)
    assert [video_id for video_id, _ in predicted_chunks] == [1, 2]
    (tmp_path / 'results.json').unlink()
    (tmp_path / 'test_records/video_2.json').unlink()
    (tmp_path / 'test_records/.video_2.77.partial.json').write_text('{"video')
    predicted_chunks.clear()

    assert run_test(tmp_path, '--resume') == whole
    assert [video_id for video_id, _ in predicted_chunks] == [2]

    predicted_chunks.clear()
    assert run_test(tmp_path, '--resume') == whole
    assert predicted_chunks == []

    assert run_test(tmp_path) == whole
    assert [video_id for video_id, _ in predicted_chunks] == [1, 2]


@pytest.mark.parametrize('content', ['', '{"video_id": 1, "tracks": [', '{}', '[]'])
def test_damaged_record_is_made_again(run_test, tmp_path, predicted_chunks, content):
    whole = run_test(tmp_path)
    (tmp_path / 'test_records/video_2.json').write_text(content)
    predicted_chunks.clear()
    assert run_test(tmp_path, '--resume') == whole
    assert [video_id for video_id, _ in predicted_chunks] == [2]


def test_record_of_another_video_or_of_other_frames_is_made_again(
    run_test, tmp_path, tiny_shapes, predicted_chunks
):
    shutil.copytree(tiny_shapes, tmp_path / 'data')
    options = [f'test_dataloader.dataset.data_root={tmp_path}/data/']
    whole = run_test(tmp_path, options=options)
    records = tmp_path / 'test_records'
    shutil.copy(records / 'video_1.json', records / 'video_2.json')
    predicted_chunks.clear()
    assert run_test(tmp_path, '--resume', options=options) == whole
    assert [video_id for video_id, _ in predicted_chunks] == [2]

    frames = sorted((tmp_path / 'data').glob('valid/JPEGImages/*/*.jpg'))
    frames[0].write_bytes(frames[-1].read_bytes())
    predicted_chunks.clear()
    assert run_test(tmp_path, '--resume', options=options) != whole
    assert [video_id for video_id, _ in predicted_chunks] == [1]


def test_resume_refuses_results_of_another_json(
    run_test, tmp_path, tiny_shapes, capsys
):
    shutil.copytree(tiny_shapes, tmp_path / 'data')
    options = [f'test_dataloader.dataset.data_root={tmp_path}/data/']
    run_test(tmp_path, options=options)
    ann_file = tmp_path / 'data/valid.json'
    content = json.loads(ann_file.read_text())
    content['annotations'][0]['areas'][0] = 1.0
    ann_file.write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        run_test(tmp_path, '--resume', options=options)
    assert 'another test: annotations differ' in capsys.readouterr().err


def test_interrupted_test_keeps_finished_videos(run_test, tmp_path, monkeypatch):
    predict = ClipVISModel.predict

    def fail(self, inputs, data_samples):
        if data_samples[0].video_data_samples[0].video_id == 2:
            raise KeyboardInterrupt
        return predict(self, inputs, data_samples)

    with monkeypatch.context() as patch:
        patch.setattr(ClipVISModel, 'predict', fail)
        with pytest.raises(KeyboardInterrupt):
            run_test(tmp_path)
    names = {path.name for path in (tmp_path / 'test_records').iterdir()}
    assert names == {'run.json', 'video_1.json'}
    assert run_test(tmp_path, '--resume') == run_test(tmp_path)


def test_resume_refuses_results_of_another_model(run_test, tmp_path, capsys):
    run_test(tmp_path)
    with pytest.raises(SystemExit):
        run_test(tmp_path, '--resume', options=['model.test_cfg.clip_len=4'])
    message = capsys.readouterr().err
    assert 'test_records are of another test: model differ' in message


def test_frame_stride_loads_only_seen_frames(run_test, tmp_path, predicted_chunks):
    results = run_test(tmp_path, options=['model.test_cfg.frame_stride=4'])
    assert predicted_chunks == [(1, [0, 4, 5]), (2, [0, 4, 5])]
    assert all(len(entry['segmentations']) == 6 for entry in results)


def test_out_and_amp(run_test, tmp_path):
    full = run_test(tmp_path)
    out = tmp_path / 'other/mine.json'
    run_test(tmp_path, '--amp', '--out', out)
    half = json.loads(out.read_text())
    assert (tmp_path / 'other/mine.submission_file.zip').is_file()
    scores = [[entry['score'] for entry in results[:3]] for results in (full, half)]
    assert scores[0] != scores[1]
    assert scores[0] == pytest.approx(scores[1], abs=0.05)


def test_fast_mode_gives_the_same_tracks(run_test, tmp_path, monkeypatch):
    expected = run_test(tmp_path)
    made = []

    def note(model):
        make_fast(model)
        made.append(model)

    monkeypatch.setattr('mmvis.engine.hooks.fast_mode_hook.make_fast', note)
    results = run_test(tmp_path, '--fast')
    assert len(made) == 1
    with pytest.raises(SystemExit):  # videos of both modes are not mixed
        run_test(tmp_path, '--resume')
    assert len(results) == len(expected)
    for entry, other in zip(results, expected):
        assert entry['category_id'] == other['category_id']
        assert entry['score'] == pytest.approx(other['score'], abs=1e-4)
        assert mean_iou(entry['segmentations'], other['segmentations']) > 0.99


def test_fast_mode_of_a_model_that_was_trained_with_averages(
    run_test, call_tool, tiny_config, tiny_options, checkpoint, tmp_path
):
    expected = run_test(tmp_path / 'plain', '--fast')
    config = tmp_path / 'averages.py'
    hooks = "custom_hooks = [dict(type='EMAHook')]"
    config.write_text(f'_base_ = [{str(tiny_config)!r}]\n{hooks}\n')
    args = (config, checkpoint, '--work-dir', tmp_path / 'averages')
    for mode in ((), ('--fast',)):
        call_tool('tools/test.py', *args, *mode, options=tiny_options)
    results = json.loads((tmp_path / 'averages' / 'results.json').read_text())
    assert results == expected


def mean_iou(rles_a, rles_b):
    """Mean IoU over the frames: a pixel at the threshold may differ by rounding."""
    ious = [
        float(a is b) if None in (a, b) else mask_utils.iou([a], [b], [0]).item()
        for a, b in zip(rles_a, rles_b, strict=True)
    ]
    return sum(ious) / len(ious)


@pytest.mark.slow
def test_two_processes_give_the_same_results(
    run_test, start_process, tiny_config, tiny_options, checkpoint, tmp_path
):
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = str(server.getsockname()[1])
    process = start_process(
        REPO / 'tools/dist_test.sh', tiny_config, checkpoint, 2,
        '--work-dir', tmp_path / 'two', '--cfg-options', *tiny_options,
        PORT=port, CUDA_VISIBLE_DEVICES='',
    )  # fmt: skip
    output, _ = process.communicate()
    assert process.returncode == 0, output
    two = json.loads((tmp_path / 'two/results.json').read_text())
    one = run_test(tmp_path / 'one')
    keys = ('video_id', 'category_id')
    assert [[t[k] for k in keys] for t in two] == [[t[k] for k in keys] for t in one]
    for track, expected in zip(two, one, strict=True):
        assert track['score'] == pytest.approx(expected['score'], abs=1e-4)
        assert mean_iou(track['segmentations'], expected['segmentations']) > 0.99


@pytest.mark.parametrize(
    ('args', 'options', 'message'),
    [
        (['--out', 'x.pkl'], [], '--out must be a .json file, got x.pkl'),
        ([], ['test_dataloader=None'], '`test_dataloader` must be set'),
        ([], ['model.head.num_queries=9'], 'head.decoder'),
        ([], ['model.backbone.depth=34'], 'another model'),
    ],
)
def test_mistakes_are_one_message(run_test, tmp_path, capsys, args, options, message):
    with pytest.raises(SystemExit) as stop:
        run_test(tmp_path, *args, options=options)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_annotations_are_not_overwritten(run_test, tmp_path, tiny_shapes, capsys):
    path = tiny_shapes / 'valid.json'
    before = path.read_bytes()
    with pytest.raises(SystemExit) as stop:
        run_test(tmp_path, '--out', path)
    assert stop.value.code == 2
    assert 'valid.json, which would be lost' in capsys.readouterr().err
    assert path.read_bytes() == before


def test_missing_checkpoint(call_tool, tiny_config, capsys):
    with pytest.raises(SystemExit):
        call_tool('tools/test.py', tiny_config, 'no.pth')
    assert "no such checkpoint file: 'no.pth'" in capsys.readouterr().err
