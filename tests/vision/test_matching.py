import numpy as np
import pytest

from mien.vision.matching import MIN_SIMILARITY, SAME_SIMILARITY, UNKNOWN_SIMILARITY, match


def boxes(*places, side=100.0):
    return np.array([(x, y, side, side) for x, y in places], dtype=float)


def pairs(expected, found, similarity=None, unseen_s=0.04, min_similarity=MIN_SIMILARITY):
    unknown = np.full((len(expected), len(found)), UNKNOWN_SIMILARITY)
    return match(
        expected,
        found,
        unknown if similarity is None else np.array(similarity, dtype=float),
        np.full(len(expected), unseen_s),
        min_similarity=min_similarity,
    )


def test_the_nearest_of_similar_faces_is_matched():
    expected, found = boxes((0, 0), (60, 0)), boxes((58, 0), (2, 0))
    assert pairs(expected, found) == {0: 1, 1: 0}


def test_similarity_decides_between_overlapping_faces():
    expected, found = boxes((0, 0), (30, 0)), boxes((5, 0), (25, 0))
    assert pairs(expected, found) == {0: 0, 1: 1}
    assert pairs(expected, found, [[0.2, 0.9], [0.9, 0.2]]) == {0: 1, 1: 0}


@pytest.mark.parametrize("similarity", [MIN_SIMILARITY - 0.01, -1.0])
def test_a_dissimilar_face_is_another_face(similarity):
    assert pairs(boxes((0, 0)), boxes((0, 0)), [[similarity]]) == {}


def test_at_a_cut_position_alone_is_no_match():
    assert (
        pairs(boxes((0, 0)), boxes((0, 0)), [[UNKNOWN_SIMILARITY]], min_similarity=SAME_SIMILARITY)
        == {}
    )
    assert pairs(boxes((0, 0)), boxes((0, 0)), [[0.95]], min_similarity=SAME_SIMILARITY) == {0: 0}


def test_a_face_of_half_the_size_is_another_face():
    assert pairs(boxes((0, 0)), boxes((30, 30), side=45.0)) == {}


def test_the_reach_grows_with_the_time_out_of_sight():
    expected, found = boxes((0, 0)), boxes((120, 0))
    assert pairs(expected, found, unseen_s=0.04) == {}
    assert pairs(expected, found, unseen_s=1.0) == {0: 0}


def test_a_jump_is_followed_where_the_face_is_similar_enough():
    expected = boxes((0, 0))
    assert pairs(expected, boxes((350, 0)), [[0.9]]) == {0: 0}
    assert pairs(expected, boxes((350, 0)), [[0.7]]) == {}
    assert pairs(expected, boxes((450, 0)), [[0.9]]) == {}


def test_camera_motion_is_compensated():
    expected = boxes((0, 0), (300, 0), (600, 0))
    given = expected.copy()
    assert pairs(expected, boxes((250, 0), (550, 0), (850, 0))) == {0: 0, 1: 1, 2: 2}
    np.testing.assert_array_equal(expected, given)


def test_more_expected_than_found():
    assert pairs(boxes((0, 0), (300, 0)), boxes((301, 0))) == {0: 1}
