import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.data.scenes import Part, read_portraits
from mien_lab.data.synthesis import SceneKind, Synthesis


@pytest.fixture
def synthesis(drawn_face, texture):
    return Synthesis([drawn_face(128)], [drawn_face(48)], [texture("a"), texture("bb")], seed=1)


@pytest.mark.parametrize("kind", list(SceneKind))
def test_scenes_are_deterministic_and_sound(synthesis, kind):
    first, second = (synthesis.scene(5, 160, kind) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    assert first.image.shape == (160, 160)
    assert first.image.dtype == np.uint8
    assert first.points.shape == (len(first.boxes), 5, 2)
    if kind is SceneKind.EMPTY:
        assert len(first.boxes) == 0


def test_a_plain_portrait_keeps_its_shape_and_points(synthesis, data_dir):
    portraits = read_portraits(data_dir, Part.TRAIN)
    shapes = {tuple(np.round(p.boxes[0, 2:] / p.boxes[0, 2], 3)) for p in portraits}
    for index in range(6):
        scene = synthesis.scene(index, 160, SceneKind.PLAIN)
        assert len(scene.boxes) == 1
        assert tuple(np.round(scene.boxes[0, 2:] / scene.boxes[0, 2], 3)) in shapes
        right, left = scene.points[0, :2]
        assert right[0] < left[0], "mirrored or not"
        # Points scale with the box.
        place = (scene.points[0] - scene.boxes[0, :2]) / scene.boxes[0, 2:]
        assert ((place > 0) & (place < 1)).all()


def test_a_group_has_its_people(synthesis):
    assert len(synthesis.group(0, 15, 960, 640).boxes) == 15


def test_turned_backgrounds_are_those_of_the_photograph(drawn_face, texture):
    face = drawn_face(96)
    plain, turned = (
        Synthesis([face], [face], [texture("1.jpg")], 3, turn_backgrounds=turn)
        for turn in (False, True)
    )
    scenes = [
        (plain.scene(i, 96, SceneKind.EMPTY).image, turned.scene(i, 96, SceneKind.EMPTY).image)
        for i in range(6)
    ]
    assert any((one != other).any() for one, other in scenes)
    again = plain.scene(0, 96, SceneKind.EMPTY).image
    assert (again == scenes[0][0]).all()
