import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.data.pasting import Edge, Placement, cover, paste, rotated_box, shrink


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_pasted_points_lie_on_the_features(drawn_face, mirror, angle):
    canvas = np.full((200, 200), 128, np.uint8)
    place = Placement(centre=(100.0, 90.0), size=80.0, angle=angle, mirror=mirror)
    box, points = paste(canvas, drawn_face(128), place)
    assert box[:2] + box[2:] / 2 == pytest.approx([100, 90], abs=0.01)
    assert all(canvas[int(y), int(x)] < 90 for x, y in points)
    turn = np.radians(angle)
    right_of = (points[1] - points[0]) @ [np.cos(turn), np.sin(turn)]
    assert right_of > 0, "the person's right eye is at the left of the picture, mirrored or not"


def pasted(face, **options):
    canvas = np.full((200, 200), 128, np.uint8)
    place = Placement(**{"centre": (100.0, 100.0), "size": 80.0} | options)
    box, _ = paste(canvas, face, place)
    return canvas, box


def test_an_oval_leaves_out_the_corners_of_what_is_pasted(drawn_face):
    found = {edge: pasted(drawn_face(128), edge=edge)[0].astype(int) for edge in Edge}
    for edge, corner in ((Edge.HARD, 60), (Edge.SOFT, 60), (Edge.OVAL, 128)):
        canvas = found[edge]
        assert canvas[60, 60] == pytest.approx(corner, abs=1)
        assert canvas[100, 75] == pytest.approx(190, abs=1)
        assert (canvas[:45] == 128).all()
    assert found[Edge.HARD][50, 100] == pytest.approx(60, abs=1)
    assert 80 < found[Edge.SOFT][50, 100] < 128


def test_a_pasted_face_takes_other_light(drawn_face):
    face = drawn_face(128)
    plain, lighter, flatter = (
        pasted(face, edge=Edge.HARD, **light)[0].astype(int)
        for light in ({}, {"shift": 20.0}, {"gain": 0.5})
    )
    assert lighter[55, 55] - plain[55, 55] == 20
    mean = face.image.mean()
    assert flatter[55, 55] == pytest.approx(mean + (60 - mean) / 2, abs=1)
    assert flatter[5, 5] == 128


def test_a_face_beyond_the_canvas_leaves_it_alone(drawn_face):
    canvas, box = pasted(drawn_face(128), centre=(-300.0, 100.0))
    assert (canvas == 128).all()
    assert box[0] + box[2] / 2 == pytest.approx(-300)


def test_the_box_of_a_turned_face_is_that_of_its_ellipse():
    box = np.float32([10, 20, 30, 40])
    matrices = {}
    for angle in (45, 90):
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        matrices[angle] = np.array([[cos, -sin, 0], [sin, cos, 0]])
    assert rotated_box(box, matrices[90]) == pytest.approx([-60, 10, 40, 30], abs=1e-4)
    # A circle does not grow when it is turned.
    assert rotated_box(np.float32([0, 0, 20, 20]), matrices[45])[2:] == pytest.approx([20, 20])


def test_what_hardly_shrinks_is_left_alone():
    image = np.zeros((51, 101), np.uint8)
    assert shrink(image, 0.8)[0] is image
    small, across, down = shrink(image, 0.5)
    assert small.shape == (26, 50)
    assert (across, down) == pytest.approx((50 / 101, 26 / 51))


def test_covers_hide_mouths_and_eyes_and_are_repeatable(drawn_face):
    face = drawn_face(128)
    hidden = []
    for seed in range(60):
        first, again = (face.image.copy() for _ in range(2))
        for canvas in (first, again):
            cover(canvas, face.boxes[0], face.points[0], np.random.default_rng(seed))
        assert np.array_equal(first, again)
        changed = first != face.image
        assert changed.any()
        hidden.append([changed[int(y) - 2 : int(y) + 3, int(x)].any() for x, y in face.points[0]])
    eyes, mouth = (np.array(hidden)[:, part].all(axis=1) for part in ((0, 1), (3, 4)))
    assert eyes.mean() > 0.15
    assert mouth.mean() > 0.15
    assert not (eyes & mouth).all()
