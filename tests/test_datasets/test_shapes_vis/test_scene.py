from itertools import pairwise

import pytest

from mmvis.datasets.shapes_vis.contours import CATEGORIES
from mmvis.datasets.shapes_vis.random_stream import RandomStream
from mmvis.datasets.shapes_vis.scene import plan_scene


@pytest.fixture(scope='module')
def scenes():
    return [plan_scene(RandomStream(0, i), 13, 1.5, 1.0) for i in range(60)]


def test_scenes_hold_one_to_three_objects_of_all_categories(scenes):
    assert {len(scene.objects) for scene in scenes} == {1, 2, 3}
    found = {item.looks.category for scene in scenes for item in scene.objects}
    assert found == set(CATEGORIES)


def test_texture_and_category_are_shared_independently(scenes):
    shared = set()
    for scene in scenes:
        for i, a in enumerate(scene.objects):
            for b in scene.objects[:i]:
                same_tile = a.looks.tile is b.looks.tile
                shared.add((a.looks.category == b.looks.category, same_tile))
    assert shared == {(True, True), (True, False), (False, True), (False, False)}


def test_objects_leave_the_frame_and_come_back(scenes):
    returns = 0
    for scene in scenes:
        for item in scene.objects:
            poses = [item.pose(frame_id) for frame_id in range(13)]
            inside = [0 < p.x < 1.5 and 0 < p.y < 1.0 for p in poses]
            returns += inside[0] and inside[-1] and not all(inside)
    assert returns >= 10


def test_poses_change_smoothly(scenes):
    for scene in scenes:
        for item in scene.objects:
            poses = [item.pose(frame_id) for frame_id in range(13)]
            for before, after in pairwise(poses):
                assert abs(after.turns - before.turns) < 0.15
                assert abs(after.radius - before.radius) < 0.05
                assert 0.15 < after.radius < 0.4


def test_one_frame_is_enough():
    scene = plan_scene(RandomStream(1), 1, 1.0, 1.0)
    assert len(scene.objects) >= 2
    assert scene.view(0)['x'] == 0.0
