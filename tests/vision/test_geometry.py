import numpy as np
import pytest

from mien.core.errors import InputError
from mien.vision.geometry import (
    apply_transform,
    intersection_areas,
    iou_matrix,
    non_maximum_suppression,
    similarity_transform,
)


def test_overlap_of_known_boxes():
    iou = iou_matrix([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 10, 10], [20, 20, 5, 5]])
    np.testing.assert_allclose(iou, [[1.0, 50 / 150, 0.0]])
    assert intersection_areas([[0, 0, 4, 4]], [[2, 2, 4, 4]])[0, 0] == 4


def test_boxes_without_area_overlap_nothing():
    assert iou_matrix([[1, 1, 0, 0]], [[1, 1, 0, 0]])[0, 0] == 0


def test_no_boxes():
    assert iou_matrix([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert non_maximum_suppression([], [], 0.5).shape == (0,)


def test_suppression_keeps_the_best_and_the_distant():
    boxes = [[0, 0, 10, 10], [1, 0, 10, 10], [50, 50, 10, 10]]
    kept = non_maximum_suppression(boxes, [0.5, 0.9, 0.7], 0.4)
    assert kept.tolist() == [1, 2]


def test_equal_scores_keep_their_order():
    kept = non_maximum_suppression([[0, 0, 2, 2], [10, 0, 2, 2]], [0.5, 0.5], 0.4)
    assert kept.tolist() == [0, 1]


@pytest.mark.parametrize("boxes", [[[0, 0, 1]], [0, 0, 1, 1]])
def test_malformed_boxes(boxes):
    with pytest.raises(InputError, match="shape"):
        iou_matrix(boxes, boxes)


def test_scores_must_match_boxes():
    with pytest.raises(InputError, match="scores"):
        non_maximum_suppression([[0, 0, 1, 1]], [], 0.5)


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.5])
@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
def test_similarity_is_recovered(angle, scale):
    points = np.random.default_rng(0).uniform(-20, 20, (5, 2))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, -sin, 3.0], [sin, cos, -8.0]])
    found = similarity_transform(points, apply_transform(matrix, points))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, matrix, atol=1e-9)


def test_similarity_is_the_least_squares_one_and_never_mirrors():
    rng = np.random.default_rng(1)
    source = rng.uniform(0, 50, (5, 2))
    target = source * [-1, 1] + rng.normal(0, 1, (5, 2))
    matrix = similarity_transform(source, target)
    assert np.linalg.det(matrix[:, :2]) > 0
    best = np.square(apply_transform(matrix, source) - target).sum()
    for _ in range(50):
        a, b = rng.normal(0, 0.01, 2)
        other = matrix + np.array([[a, -b, 0], [b, a, 0]])
        assert np.square(apply_transform(other, source) - target).sum() >= best


@pytest.mark.parametrize(
    "source", [[[1, 1]], [[2, 2], [2, 2], [2, 2]], [[0, np.nan], [1, 1], [2, 0]]]
)
def test_similarity_of_degenerate_points(source):
    with pytest.raises(InputError, match=r"points|coincide"):
        similarity_transform(source, source)


def test_transform_of_wrong_shape():
    with pytest.raises(InputError, match="2, 3"):
        apply_transform(np.eye(3), [[0, 0]])
