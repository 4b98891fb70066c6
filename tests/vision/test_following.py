import numpy as np
import pytest

from mien.core.types import Box, Face, Landmarks
from mien.runtime.session import open_session
from mien.vision.refiner import FaceRefiner


@pytest.fixture(scope="module")
def refiner():
    return FaceRefiner(open_session("refiner", threads=1))


def moved(face, x, y):
    points = face.landmarks.as_array() + np.array([x, y])
    box = Box(face.box.x + x, face.box.y + y, face.box.width, face.box.height)
    return Face(box, face.score, Landmarks.from_array(points))


def test_a_face_is_found_again_near_its_expected_place(refiner, analyzer, astronaut):
    (face,) = analyzer.parts.reader.find(astronaut)
    for x, y in [(0, 0), (8, -6), (-10, 4)]:
        (found,) = refiner.follow(astronaut, [moved(face, x, y)])
        assert found.score > 0.8
        assert found.box.x == pytest.approx(face.box.x, abs=6)
        assert found.box.y == pytest.approx(face.box.y, abs=6)
        off = found.landmarks.as_array() - face.landmarks.as_array()
        assert np.abs(off).max() < 5


def test_where_no_face_is_the_score_is_low(refiner, analyzer, astronaut):
    (face,) = analyzer.parts.reader.find(astronaut)
    (found,) = refiner.follow(astronaut, [moved(face, -150, 250)])
    assert found.score < 0.5
    (found,) = refiner.follow(np.zeros_like(astronaut), [face])
    assert found.score < 0.5


def test_several_faces_stay_in_order_and_none_are_none(refiner, analyzer, astronaut):
    (face,) = analyzer.parts.reader.find(astronaut)
    first, second = refiner.follow(astronaut, [moved(face, 200, 200), face])
    assert first.score < second.score
    assert refiner.follow(astronaut, []) == []


def test_grey_pictures_and_faces_beyond_the_edge(refiner, analyzer, astronaut):
    (face,) = analyzer.parts.reader.find(astronaut)
    (colour,) = refiner.follow(astronaut, [face])
    (grey,) = refiner.follow(astronaut.mean(axis=2).astype(np.uint8), [face])
    assert grey.box.x == pytest.approx(colour.box.x, abs=3)
    (outside,) = refiner.follow(astronaut, [moved(face, 5000, 5000)])
    assert np.isfinite(outside.landmarks.as_array()).all()
