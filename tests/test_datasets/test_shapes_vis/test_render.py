from itertools import pairwise

import numpy as np
import pytest

from mmvis.datasets.shapes_vis.random_stream import RandomStream
from mmvis.datasets.shapes_vis.render import render_video
from mmvis.datasets.shapes_vis.scene import Looks, Scene, SceneObject, plan_scene
from mmvis.datasets.shapes_vis.textures import make_tile


def _flat_tile(colour):
    return make_tile(np.full((64, 64, 3), colour))


def _still_object(category, colour, x, y, radius):
    curves = dict(x=x, y=y, radius=radius, turns=0, aspect=1, shear=0, bend=0, taper=0)
    looks = Looks(category, _flat_tile(colour), colour, 1.0)
    return SceneObject(looks, {key: [value, value] for key, value in curves.items()})


@pytest.fixture
def scene():
    camera = dict(x=0, y=0, turns=0, zoom=1, gain=1)
    return Scene(
        background=_flat_tile((10, 20, 30)),
        camera={key: [value, value] for key, value in camera.items()},
    )


def _first(scene, height=40, width=60):
    frame, masks = next(render_video(scene, RandomStream(0), 1, height, width))
    return frame, masks


def test_nearer_objects_hide_farther_ones(scene):
    scene.objects = [
        _still_object('box', (200, 0, 0), 0.5, 0.5, 0.25),
        _still_object('box', (0, 200, 0), 0.7, 0.5, 0.25),
    ]
    frame, (far, near) = _first(scene)
    assert not (far & near).any()
    assert near.sum() == 16 * 16
    assert far.sum() == 8 * 16
    assert frame[20, 15].tolist() == [200, 0, 0]
    assert frame[20, 28].tolist() == [0, 200, 0]
    assert frame[2, 2].tolist() == [10, 20, 30]


def test_hidden_object_has_an_empty_mask(scene):
    scene.objects = [
        _still_object('disc', (200, 0, 0), 0.5, 0.5, 0.1),
        _still_object('box', (0, 200, 0), 0.5, 0.5, 0.3),
    ]
    assert [mask.any() for mask in _first(scene)[1]] == [False, True]


def test_one_sees_through_a_ring(scene):
    scene.objects = [
        _still_object('disc', (200, 0, 0), 0.5, 0.5, 0.1),
        _still_object('ring', (0, 200, 0), 0.5, 0.5, 0.4),
    ]
    frame, (disc, ring) = _first(scene)
    assert disc[20, 20]
    assert not ring[20, 20]
    assert frame[20, 20].tolist() == [200, 0, 0]


def test_brightness_scales_the_colours(scene):
    scene.camera['gain'] = [0.5, 0.5]
    assert (_first(scene)[0] == [5, 10, 15]).all()


def test_noise_stays_within_its_amplitude(scene):
    scene.noise = 2
    frame = _first(scene)[0].astype(int) - [10, 20, 30]
    assert frame.min() == -8
    assert frame.max() == 7


def test_textures_move_with_the_camera():
    scene = plan_scene(RandomStream(4), 9, 1.5, 1.0)
    scene.objects, scene.noise = [], 0
    frames = [f for f, _ in render_video(scene, RandomStream(0), 9, 48, 72)]
    for before, after in pairwise(frames):
        assert np.abs(after.astype(int) - before).mean() > 1
