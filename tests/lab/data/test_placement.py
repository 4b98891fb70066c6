import numpy as np
import pytest

from mien.vision.alignment import CANONICAL, alignment_matrix, crop_face
from mien_lab.data.placement import place_landmarks

FACE = np.array([[125.2, 101], [166.4, 105.2], [143.5, 126.8], [123.9, 143.4], [158.8, 147]])
"""The astronaut's landmarks in the portrait."""


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-2, 3)])
@pytest.mark.parametrize("size", [48, 96])
def test_a_face_that_fills_its_picture(portrait, shift, size):
    matrix = alignment_matrix(FACE, size)
    matrix[:, 2] += np.array(shift) * size / 48
    found = place_landmarks(crop_face(portrait, matrix, size))
    expected = ((CANONICAL + 0.5 + shift) * size / 48) - 0.5
    assert np.linalg.norm(found - expected, axis=1).mean() < 0.12 * 18 * size / 48


def test_colours_and_grey_are_the_same(portrait):
    grey = crop_face(portrait, alignment_matrix(FACE))
    coloured = place_landmarks(np.repeat(grey[:, :, None], 3, axis=2))
    np.testing.assert_allclose(place_landmarks(grey), coloured, atol=0.05)


def test_nothing_to_see_is_no_error():
    points = place_landmarks(np.zeros((48, 48), np.uint8))
    assert points is None or np.isfinite(points).all()
