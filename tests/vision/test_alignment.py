import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import InputError
from mien.core.types import Landmarks
from mien.vision.alignment import (
    CANONICAL,
    CROP_SIZE,
    ZOOMS,
    align,
    alignment_matrix,
    can_align,
    crop_face,
    zoomed_crops,
)
from mien.vision.geometry import apply_transform

FACE = np.array([[125.2, 101], [166.4, 105.2], [143.5, 126.8], [123.9, 143.4], [158.8, 147]])
"""The astronaut's landmarks in the portrait."""


def placed(scale=1.0, angle=0.0, shift=(0.0, 0.0)):
    """The canonical landmarks, transformed."""
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return CANONICAL @ np.array([[cos, sin], [-sin, cos]]) + shift


def difference(one, other):
    return np.abs(one.astype(float) - other.astype(float)).mean()


def reference(image, matrix, size=CROP_SIZE, density=9):
    """The crop by brute force: the mean of many samples in each of its pixels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    fine = matrix * density
    fine[:, 2] += (density - 1) / 2
    side = size * density
    large = cv2.warpAffine(
        grey, fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return large.reshape(size, density, size, density).mean(axis=(1, 3))


def test_canonical_places_are_frozen():
    with pytest.raises(ValueError, match="read-only"):
        CANONICAL[0, 0] = 0


@given(
    st.floats(0.05, 50),
    st.floats(-np.pi, np.pi),
    st.floats(-500, 5000),
    st.floats(-500, 5000),
)
def test_landmarks_of_the_canonical_shape_land_exactly(scale, angle, x, y):
    points = placed(scale, angle, (x, y))
    np.testing.assert_allclose(
        apply_transform(alignment_matrix(points), points), CANONICAL, atol=1e-5
    )


@pytest.mark.parametrize("size", [24, 48, 72, 96])
def test_other_sizes_show_the_same_part(size):
    points = placed(3.0, 0.3, (40, 60))
    found = apply_transform(alignment_matrix(points, size), points)
    np.testing.assert_allclose((found + 0.5) / size, (CANONICAL + 0.5) / CROP_SIZE, atol=1e-9)


def test_the_identity_cuts_the_picture_itself():
    image = np.random.default_rng(0).integers(0, 256, (CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    assert np.array_equal(crop_face(image, np.eye(2, 3)), image)
    assert np.array_equal(align(image, Landmarks.from_array(CANONICAL)), image)


def test_colour_is_reduced_to_luma(portrait):
    landmarks = Landmarks.from_array(FACE)
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    crop = align(portrait, landmarks)
    assert crop.shape == (CROP_SIZE, CROP_SIZE)
    assert crop.dtype == np.uint8
    assert difference(crop, align(grey, landmarks)) < 1


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.9, 2.0, 2.1, 4.0, 7.3])
def test_the_crop_is_free_of_aliasing(portrait, scale):
    image = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    ratio = np.array(image.shape[1::-1]) / np.array(portrait.shape[1::-1])
    matrix = alignment_matrix((FACE + 0.5) * ratio - 0.5)
    assert difference(crop_face(image, matrix), reference(image, matrix)) < 5


@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_the_same_face_at_several_sizes_gives_the_same_crop(portrait, scale):
    large = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    one = crop_face(portrait, alignment_matrix(FACE))
    other = crop_face(large, alignment_matrix((FACE + 0.5) * scale - 0.5))
    assert difference(one, other) < 4


@pytest.mark.parametrize("degrees", [-90, -30, 15, 90, 180])
def test_the_same_face_turned_gives_the_same_crop(portrait, degrees):
    height, width = portrait.shape[:2]
    turn = cv2.getRotationMatrix2D((FACE[2][0], FACE[2][1]), degrees, 1.0)
    turned = cv2.warpAffine(
        portrait, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    one = crop_face(portrait, alignment_matrix(FACE))
    other = crop_face(turned, alignment_matrix(apply_transform(turn, FACE)))
    assert difference(one, other) < 4


def test_the_crop_does_not_depend_on_what_lies_far_away(portrait):
    landmarks = Landmarks.from_array(FACE)
    shifted = Landmarks.from_array(FACE + np.array([700, 500]))
    canvas = np.zeros((1500, 1500, 3), np.uint8)
    canvas[500 : 500 + portrait.shape[0], 700 : 700 + portrait.shape[1]] = portrait
    assert difference(align(portrait, landmarks), align(canvas, shifted)) < 0.5


@pytest.mark.parametrize("corner", [(0, 0), (0, 319), (287, 0), (287, 319), (-200, 5), (900, 900)])
def test_the_edge_of_the_picture_is_repeated(portrait, corner):
    y, x = corner
    points = placed(2.5, 0.1) - placed(2.5, 0.1).mean(axis=0) + (x, y)
    matrix = alignment_matrix(points)
    crop = crop_face(portrait, matrix)
    assert difference(crop, reference(portrait, matrix)) < 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 3, 3), (1, 500), (500, 1), (3, 20000)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_tiny_and_thin_pictures(shape, scale):
    crop = align(np.full(shape, 77, np.uint8), Landmarks.from_array(placed(scale)))
    assert crop.shape == (CROP_SIZE, CROP_SIZE)
    assert (crop == 77).all()


def test_a_picture_is_left_as_it_is(portrait):
    before = portrait.copy()
    align(portrait, Landmarks.from_array(FACE))
    assert np.array_equal(portrait, before)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        np.full((5, 2), 123.4),
        np.full((5, 2), np.nan),
        np.where(np.eye(5, 2) > 0, np.inf, CANONICAL),
    ],
)
def test_landmarks_in_one_place_cannot_be_aligned(points):
    assert not can_align(Landmarks.from_array(points))
    with pytest.raises(InputError, match="coincide or are not finite"):
        align(np.zeros((60, 60), np.uint8), Landmarks.from_array(points))


@pytest.mark.parametrize(
    "points",
    [
        CANONICAL,
        CANONICAL * 0.01,
        CANONICAL * [1, 0],
        CANONICAL * [-1, 1],
        CANONICAL * [0, 1] + [5, 0],
        CANONICAL[::-1],
        placed(1e-2),
        placed(1e5),
        placed(1.0, 0.0, (1e6, -1e6)),
    ],
)
def test_odd_landmarks_are_cut_without_a_fault(portrait, points):
    landmarks = Landmarks.from_array(points)
    assert can_align(landmarks)
    assert align(portrait, landmarks).shape == (CROP_SIZE, CROP_SIZE)


def test_zoomed_crops_show_the_face_larger_and_smaller_about_the_middle(portrait):
    matrix = alignment_matrix(FACE)
    small, same, large = zoomed_crops(portrait, matrix, zooms=(0.5, 1.0, 2.0))
    assert np.array_equal(same, crop_face(portrait, matrix))
    inner = slice(CROP_SIZE // 4, -CROP_SIZE // 4)
    for larger, smaller in ((same, small), (large, same)):
        halved = cv2.resize(larger, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        assert difference(smaller[inner, inner], halved) < 4
    assert len(zoomed_crops(portrait, matrix)) == len(ZOOMS)
