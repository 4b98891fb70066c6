from dataclasses import dataclass, field

import numpy as np
import pytest

from mien.runtime.artifact import Card
from mien.runtime.session import open_session
from mien.vision.alignment import CANONICAL
from mien.vision.landmarks import CLOSE_SIZE, EXPECTED, LandmarkPlacer, close_matrix
from mien.vision.pyramid import Pyramid


@dataclass
class PlantedPlaces:
    """Outputs the same landmarks for every crop."""

    places: np.ndarray
    share: float = 1.0
    crops: list[np.ndarray] = field(default_factory=list)

    @property
    def card(self):
        named, extra = {"name": "crops"}, {"share": self.share}
        return Card("landmarks", "landmarks.onnx", "", "0", "landmarks", "fp32", named, extra=extra)

    def run(self, inputs):
        self.crops.append(inputs["crops"])
        return {"points": np.repeat(self.places.reshape(1, 10), len(inputs["crops"]), axis=0)}


def face(turn=0.0, scale=3.0, x=40.0, y=30.0):
    """Landmarks (1, 10) of an average face, turned by degrees, enlarged and moved."""
    cos, sin = np.cos(np.radians(turn)) * scale, np.sin(np.radians(turn)) * scale
    return (CANONICAL @ np.array([[cos, sin], [-sin, cos]]) + (x, y)).reshape(1, 10)


def place(places, points, picture=None, **settings):
    session = PlantedPlaces(np.asarray(places), **settings)
    grey = np.zeros((200, 240), np.uint8) if picture is None else picture
    return LandmarkPlacer(session).place(grey, np.asarray(points, np.float32)), session


@pytest.mark.parametrize("turn", [0, 30, -100, 180])
def test_what_is_where_it_is_expected_stays(turn):
    points = face(turn)
    found, session = place(EXPECTED, points)
    np.testing.assert_allclose(found, points, atol=0.01)
    assert session.crops[0].shape == (1, 1, CLOSE_SIZE, CLOSE_SIZE)
    assert session.crops[0].dtype == found.dtype == np.float32


def test_what_is_seen_elsewhere_moves_in_the_turned_picture():
    """A shift to the right in the crop is one down in the image if the face is turned by 90°."""
    moved = EXPECTED + np.array([0.1, 0.0])
    upright, _ = place(moved, face(0))
    lying, _ = place(moved, face(90))
    pixels = 0.1 * CLOSE_SIZE / np.sqrt(np.linalg.det(close_matrix(face().reshape(5, 2))[:, :2]))
    np.testing.assert_allclose(
        (upright - face(0)).reshape(5, 2), np.tile((pixels, 0), (5, 1)), atol=0.01
    )
    np.testing.assert_allclose(
        (lying - face(90)).reshape(5, 2), np.tile((0, pixels), (5, 1)), atol=0.01
    )
    half, _ = place(moved, face(0), share=0.25)
    np.testing.assert_allclose(half - face(0), (upright - face(0)) / 4, atol=0.01)


def test_landmarks_that_cannot_be_aligned_stay_and_lose_no_others():
    nowhere, together = np.full((1, 10), np.nan), np.full((1, 10), 7.0)
    found, session = place(
        EXPECTED + 0.1, np.concatenate([nowhere, face(), together, face(20, x=90)])
    )
    assert np.isnan(found[0]).all()
    assert (found[2] == 7).all()
    assert (np.abs(found[[1, 3]] - np.concatenate([face(), face(20, x=90)])) > 1).any(axis=1).all()
    assert len(session.crops[0]) == 2
    for none in (np.zeros((0, 10)), together):
        found, session = place(EXPECTED, none)
        np.testing.assert_array_equal(found, none)
        assert session.crops == []


def test_colour_grey_and_pyramid_are_seen_alike(astronaut):
    grey = astronaut.mean(axis=2).astype(np.uint8)
    large = face(scale=4.5, x=140, y=20)
    (plain,) = place(EXPECTED, large, grey)[1].crops
    (shared,) = place(EXPECTED, large, Pyramid(grey))[1].crops
    (colour,) = place(EXPECTED, large, astronaut)[1].crops
    assert plain.std() > 20
    assert np.abs(plain - shared).mean() < 2
    assert np.abs(plain - colour).mean() < 12


def test_the_shipped_network_finds_back_landmarks_that_were_moved(analyzer, astronaut):
    """Each landmark of a face is moved by about a twelfth of the eye distance."""
    placer = LandmarkPlacer(open_session("landmarks", threads=1))
    (found,) = analyzer.parts.reader.find(astronaut)
    true = found.landmarks.as_array()
    eyes = float(np.linalg.norm(true[0] - true[1]))
    rng = np.random.default_rng(0)
    for _ in range(5):
        off = rng.normal(size=(5, 2))
        moved = true + 0.08 * eyes * off / np.linalg.norm(off, axis=1, keepdims=True)
        again = placer.place(astronaut, moved.reshape(1, 10).astype(np.float32)).reshape(5, 2)
        error = np.linalg.norm(again - true, axis=1).mean()
        assert error < 0.9 * np.linalg.norm(moved - true, axis=1).mean()
