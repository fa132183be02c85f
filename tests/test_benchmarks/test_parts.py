"""Every part of `mmvis benchmark`, on small inputs."""

import json
import math
from pathlib import Path

import pytest
import torch

from mmvis.benchmarks.merging import MovingObjects
from mmvis.benchmarks.synthetic_results import make_case
from mmvis.commands.benchmark import main
from mmvis.testing import make_tiny_video

ROOT = Path(__file__).resolve().parents[2]
TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'ifc_tiny.py')


@pytest.fixture
def run(tmp_path):
    def run(part, *words):
        threads = torch.get_num_threads()
        try:
            main([part, *words, '--repeats', '2', '--out', str(tmp_path)])
        finally:
            torch.set_num_threads(threads)
        return json.loads((tmp_path / f'{part}.json').read_text())['rows']

    return run


def test_forward_in_two_settings(run):
    plain, fast = run(
        'forward', TINY, '--clip-len', '3', '--size', '48', '64', '--compare',
        'default', 'fast',
    )  # fmt: skip
    assert plain['name'] == 'forward, T=3, 48x64: default'
    assert fast['name'] == 'forward, T=3, 48x64: fast'
    assert len(plain['figures']['cpu']) == 2
    assert plain['facts']['G multiply-adds'] > 0
    assert fast['facts'] == {}  # its operators cannot be counted


def test_linear_layers_by_onednn_are_counted(run):
    config = str(ROOT / 'configs' / 'videomt_vit-s.py')
    (row,) = run('forward', config, '--clip-len', '1', '--size', '64', '64')
    # 12 blocks of 384 channels: 12 C^2 weights, 21 tokens in nine, 221 in three.
    in_blocks = 12 * 384**2 * (9 * 21 + 3 * 221) / 1e9
    assert in_blocks < row['facts']['G multiply-adds'] < 2 * in_blocks


def test_settings_set_options_and_values_of_the_config(run):
    few, more = run(
        'forward', TINY, '--size', '48', '64', '--compare', 'clip_len=2',
        'clip-len=2 model.head.num_queries=40',
    )  # fmt: skip
    assert few['num_items'] == more['num_items'] == 2
    assert more['facts']['G multiply-adds'] > few['facts']['G multiply-adds']


def test_end_to_end_is_the_model_and_more(run):
    whole, model = run('end-to-end', TINY, '--size', '48', '64', '--num-frames', '7')
    assert whole['name'] == 'end to end, 7 frames, 48x64, to json'
    assert whole['medians']['tracks'] > 0
    assert 5 < model['facts']['host transfers per frame'] < 15
    assert whole['medians']['cpu'] > 0
    assert model['medians']['cpu'] > 0


def test_training_steps_change_the_loss(run):
    (step,) = run('training', TINY, '--clip-len', '2', '--size', '48', '64')
    first, second = step['figures']['loss']
    assert first != second
    assert step['name'] == 'step, T=2, 48x64, 5 objects'


def test_random_models_of_a_training_are_initialised(run):
    words = ['--clip-len', '2', '--size', '64', '96']
    (step,) = run('training', 'tevit_small_shapes', *words)
    assert all(loss > 0 for loss in step['figures']['loss'])  # boxes have sizes


def test_loader_counts_frames(run):
    test, train = run('loader', TINY, '--size', '48', '64', '--num-frames', '6')
    assert test['num_items'] == 6
    assert train['num_items'] % 3 == 0  # clips of three
    assert test['medians']['cpu'] > 0


def test_loader_counts_workers(run):
    rows = run(
        'loader', TINY, '--size', '48', '64', '--num-frames', '6', '--model-fps', '9000'
    )
    for row in rows:
        fps = row['figures']['frames/s per worker']
        workers = row['figures']['workers for 9000 frames/s']
        assert workers == [math.ceil(9000 / value) for value in fps]


@pytest.mark.parametrize('merger', ['IFCClipMerger', 'TrackClipMerger'])
def test_merging_finds_the_objects_again(run, merger):
    (row,) = run(
        'merging', '--merger', merger, '--num-frames', '8', '--objects', '3',
        '--size', '48', '80',
    )  # fmt: skip
    assert row['medians']['tracks'] == 3


def test_moving_objects_are_where_they_were():
    model = MovingObjects(3, 4, (48, 80))
    assert model.mask_logits.shape == (3, 4, 6, 10)
    features = model.encode_frames(torch.tensor([1.0, 2.0]).view(1, 2, 1, 1, 1), [])
    prediction, _ = model.predict_clip(features, None)
    assert torch.equal(prediction.mask_logits, model.mask_logits[:, 1:3])


def test_both_evaluations_agree(run):
    own, _, _, official = run('evaluation', '--videos', '3', '--tracks', '12')
    assert official['medians']['difference'] == 0
    assert len(official['figures']['cpu']) == 1
    assert own['num_items'] == 36


def test_a_case_is_the_same_for_the_same_seed():
    assert make_case(1, 2, (20, 30), seed=4) == make_case(1, 2, (20, 30), seed=4)
    assert make_case(1, 2, (20, 30), seed=4) != make_case(1, 2, (20, 30), seed=5)


def test_video_io_has_every_step(run):
    rows = run('video-io', '--size', '48', '64', '--num-frames', '4')
    assert len(rows) == 6
    assert {row['num_items'] for row in rows} == {4}


def test_streams_tell_their_latency(run, tmp_path):
    rows = run(
        'long-video', TINY, '--size', '48', '64', '--lengths', '8', '16', '--no-test'
    )
    assert [row['num_items'] for row in rows] == [8, 16]
    for row in rows:
        medians = row['medians']
        assert 0 < medians['latency, median ms'] <= medians['latency, 95 % ms']
    plot = (tmp_path / 'long-video.svg').read_text()
    assert 'latency, ms' in plot
    assert 'memory of the process, MB' in plot


@pytest.mark.parametrize(
    'config',
    [
        TINY,
        *(
            pytest.param(str(ROOT / 'configs' / f'{name}.py'), marks=pytest.mark.slow)
            for name in (
                'vistr_small_shapes',
                'tevit_small_shapes',
                'videomt_small_shapes',
            )
        ),
    ],
    ids=['ifc', 'vistr', 'tevit', 'videomt'],
)
def test_growth_of_each_method_on_each_axis(run, config, tmp_path):
    rows = run(
        'growth', config, '--points', '2', '--size', '64', '96', '--num-frames', '4'
    )
    assert [row['name'] for row in rows] == [
        'forward, T=2, 64x96',
        'forward, T=4, 64x96',
        'forward, T=2, 64x96',
        'forward, T=2, 96x128',
        'video of 4 frames, 64x96',
        'video of 8 frames, 64x96',
        'merging of 5 objects, 4 frames',
        'merging of 10 objects, 4 frames',
    ]
    fits = json.loads((tmp_path / 'growth.json').read_text())['exponents']
    assert [fit['values'] for fit in fits] == [[2, 4], [6144, 12288], [4, 8], [5, 10]]
    assert all(isinstance(fit['cpu'], float) for fit in fits)
    assert '| frames of a clip | 2 | 4 |' in (tmp_path / 'growth.md').read_text()
    assert 'frames of a video' in (tmp_path / 'growth.svg').read_text()


def test_growth_on_one_axis_in_two_settings(run, tmp_path):
    rows = run(
        'growth', TINY, '--against', 'objects', '--points', '2', '--num-frames', '4',
        '--compare', 'default', 'size=48,64',
    )  # fmt: skip
    assert [row['name'].rpartition(': ')[2] for row in rows] == [
        'default', 'size=48,64', 'default', 'size=48,64',
    ]  # fmt: skip
    text = (tmp_path / 'growth.md').read_text()
    assert '| objects | size=48,64 | 5 | 10 |' in text


def test_video_io_takes_a_file(run, tmp_path):
    make_tiny_video(tmp_path / 'tiny.mp4', num_frames=3)
    rows = run('video-io', '--video', str(tmp_path / 'tiny.mp4'))
    assert {row['num_items'] for row in rows} == {3}


@pytest.mark.slow
def test_long_videos_through_the_test_command(run):
    _, row = run('long-video', TINY, '--size', '48', '64', '--lengths', '24')
    assert row['name'] == 'mmvis test, 24 frames, 48x64'
    assert row['medians']['memory'] > 100
    assert row['medians']['cpu'] > 1  # that of the other process
    assert row['medians']['last quarter, ms'] > 0


def test_both_kinds_of_attention_agree(run):
    config = str(ROOT / 'configs' / 'vistr_small_shapes.py')
    efficient, plain = run(
        'attention', config, '--clip-len', '3', '--size', '64', '96', '--dropout', '0',
        '--objects', '2', '--steps', 'forward',
    )  # fmt: skip
    assert efficient['medians']['result'] == pytest.approx(
        plain['medians']['result'], rel=1e-5
    )


def test_a_model_with_a_state_runs_frame_by_frame(run):
    config = str(ROOT / 'configs' / 'videomt_small_shapes.py')
    results, forward = run(
        'online', config, '--size', '64', '64', '--num-frames', '4', '--no-official',
        '--cfg-options', 'model.backbone.stem.init_cfg=None',
    )  # fmt: skip
    medians = results['medians']
    assert 0 < medians['latency, median ms'] <= medians['latency, 95 % ms']
    shares = medians['single frames, % of CPU'], medians['clips, % of CPU']
    assert min(shares) > 5
    assert sum(shares) < 100
    assert forward['num_items'] == 4


def test_videomt_is_that_of_transformers(run):
    transformers = pytest.importorskip('transformers')
    if not hasattr(transformers, 'VideomtConfig'):
        pytest.skip('transformers has no VidEoMT')
    config = str(ROOT / 'configs' / 'videomt_vit-s.py')
    rows = run('online', config, '--size', '64', '64', '--num-frames', '3')
    assert [row['name'].endswith('transformers') for row in rows] == [0, 0, 1, 1]
    assert rows[3]['facts']['difference'] < 1e-4
