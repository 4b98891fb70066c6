import cv2
import numpy as np
import pytest

from mien.vision import pyramid as module
from mien.vision.geometry import apply_transform
from mien.vision.pyramid import Pyramid


def shrinking(by, angle=0.0, shift=(0.0, 0.0)):
    cos, sin = np.cos(angle) / by, np.sin(angle) / by
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


@pytest.mark.parametrize(
    ("shrink", "halvings"), [(0.1, 0), (1.0, 0), (1.9, 0), (2.1, 1), (3.9, 1), (4.1, 2), (9.0, 3)]
)
def test_a_crop_shrinks_its_level_by_less_than_two(shrink, halvings):
    grey = np.zeros((96, 128), np.uint8)
    level, matrix = Pyramid(grey).nearest(shrinking(shrink, angle=0.7))
    assert level.shape == (96 >> halvings, 128 >> halvings)
    left = 1 / np.sqrt(np.linalg.det(matrix[:, :2]))
    assert left == pytest.approx(shrink / 2**halvings)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(64, 64), (61, 53)])
def test_each_place_of_a_crop_shows_the_same_on_its_level(shape, axis):
    ramp = (3 * np.indices(shape)[axis]).astype(np.uint8)
    matrix = shrinking(9.0, angle=0.3, shift=(2.0, -1.0))
    given = matrix.copy()
    level, from_level = Pyramid(ramp).nearest(matrix)
    rows, columns = (index.ravel() for index in np.indices(level.shape))
    in_crop = apply_transform(from_level, np.stack([columns, rows], axis=1))
    places = apply_transform(cv2.invertAffineTransform(matrix), in_crop)
    np.testing.assert_allclose(level.ravel(), 3 * places[:, 1 - axis], atol=1.5)
    np.testing.assert_array_equal(matrix, given)


def test_crops_of_one_picture_share_its_halves(monkeypatch):
    halved, made = module._halved, []
    monkeypatch.setattr(module, "_halved", lambda grey: made.append(grey.shape) or halved(grey))
    pyramid = Pyramid(np.zeros((96, 128), np.uint8))
    large, _ = pyramid.nearest(shrinking(5.0))
    assert pyramid.nearest(shrinking(4.5, angle=1.0))[0] is large
    pyramid.nearest(shrinking(2.5))
    assert made == [(96, 128), (48, 64)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 7)])
def test_halving_ends_where_a_side_is_one_pixel(shape):
    level, _ = Pyramid(np.full(shape, 77, np.uint8)).nearest(np.zeros((2, 3)))
    assert min(level.shape) == 1
    assert (level == 77).all()
