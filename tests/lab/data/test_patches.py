from math import ceil

import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien_lab.data.patches import heads_of, scrambled, size_of
from mien_lab.data.scenes import Picture


def photograph(*boxes, scores=None):
    image = np.random.default_rng(3).integers(0, 255, (200, 240), dtype=np.uint8)
    places = np.array(boxes, np.float32).reshape(-1, 4)
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    five = places[:, None, :2] + points * places[:, None, 2:]
    return Picture("a.jpg", image, places, five, np.float32(scores or [0.9] * len(places)))


@pytest.mark.parametrize("box", [(80, 60, 42, 48), (5, 120, 62, 72)])
def test_a_head_keeps_its_face_where_it_is(box):
    """Also where the edge of the photograph cuts what surrounds it."""
    scene = photograph(box)
    (head,) = heads_of(scene)
    x, y, width, height = box
    left, top = head.boxes[0, :2].astype(int)
    assert (left, top) == (min(x, ceil(0.6 * width)), min(y, ceil(0.6 * height)))
    face = scene.image[y : y + height, x : x + width]
    assert np.array_equal(head.image[top : top + height, left : left + width], face)
    assert head.points[0] - head.boxes[0, :2] == pytest.approx(scene.points[0] - scene.boxes[0, :2])
    assert size_of(head) == pytest.approx(np.sqrt(width * height))


def test_heads_are_of_sure_and_large_faces():
    boxes = (20, 20, 30, 30), (80, 20, 30, 30), (140, 20, 25, 25)
    (head,) = heads_of(photograph(*boxes, scores=[0.9, 0.7, 0.9]))
    assert head.name == "head a.jpg"
    assert head.boxes[0, :2].tolist() == [18, 18]
    assert head.sure.all()


def tiles(image, parts):
    side = len(image) // parts
    return {
        image[y : y + side, x : x + side].tobytes()
        for y in range(0, side * parts, side)
        for x in range(0, side * parts, side)
    }


def test_parts_of_a_face_change_places_and_stay_whole():
    image = np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8)
    used = set()
    for seed in range(12):
        mixed = scrambled(image, np.random.default_rng(seed))
        (parts,) = (n for n in (3, 4) if tiles(mixed, n) == tiles(image, n))
        assert mixed.shape == (50 // parts * parts,) * 2
        assert (mixed != image[: len(mixed), : len(mixed)]).any()
        used.add(parts)
    assert used == {3, 4}
