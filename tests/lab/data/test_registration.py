"""Two framings of one photograph, told from two faces that look alike."""

import cv2
import numpy as np
import pytest
import skimage.data

from mien_lab.data.registration import (
    REGISTERED,
    descriptors_of,
    find_registered,
    registered_correlation,
)

SIZE = 48


@pytest.fixture(scope="module")
def face():
    """The astronaut's face with a margin, grey."""
    return cv2.cvtColor(skimage.data.astronaut()[40:240, 130:330], cv2.COLOR_RGB2GRAY)


def framed(picture, *, angle=0.0, scale=1.0, dx=0.0, dy=0.0):
    side = picture.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale * SIZE / side)
    matrix[:, 2] += SIZE / 2 - side / 2 + np.array([dx, dy])
    return cv2.warpAffine(picture, matrix, (SIZE, SIZE), flags=cv2.INTER_AREA)


@pytest.mark.parametrize(
    "change",
    [{"angle": 6}, {"scale": 1.12}, {"scale": 0.9}, {"dx": 2.5, "dy": -2}, {"angle": -4, "dx": 2}],
)
def test_another_framing_is_the_same_photograph(face, change):
    other = framed(face, **change)
    assert registered_correlation(framed(face), other) >= REGISTERED
    exposed = np.clip(other * 0.6 + 50, 0, 255).astype(np.uint8)
    assert registered_correlation(framed(face), exposed) >= REGISTERED


def test_others_are_not(face, picture):
    for other in (framed(face)[:, ::-1], picture(1), framed(skimage.data.camera())):
        assert registered_correlation(framed(face), other) < 0.7


def test_what_cannot_be_laid_over_correlates_least(face):
    assert registered_correlation(framed(face), np.zeros((SIZE, SIZE), np.uint8)) == -1


def test_copies_are_found_among_others(face, picture):
    crops = np.stack(
        [
            framed(face, angle=5),
            *(picture(number) for number in range(30)),
            np.ascontiguousarray(framed(face, scale=1.1)[:, ::-1]),
            framed(face),
        ]
    )
    blind = np.zeros((len(crops), 2, 4), np.float32)
    rows, others = np.array([0, 1, 2, 31]), np.arange(3, len(crops))
    pairs, values = find_registered(crops, descriptors_of(crops, blind), rows, others)
    assert set(map(tuple, pairs.tolist())) == {(0, 31), (0, 32), (31, 32)}
    assert (values >= REGISTERED).all()


def test_nothing_to_compare_with(picture):
    crops = np.stack([picture(0), picture(1)])
    descriptors = descriptors_of(crops, np.zeros((2, 2, 4), np.float32))
    none = np.zeros(0, np.intp)
    for rows, others in ((none, np.arange(2)), (np.arange(2), none), (np.arange(1), np.arange(1))):
        pairs, values = find_registered(crops, descriptors, rows, others)
        assert pairs.shape == (0, 2)
        assert values.shape == (0,)
