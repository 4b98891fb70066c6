import numpy as np
import pytest

from mien.vision.matching import OTHER_LOOK, SAME_LOOK, UNKNOWN_LOOK, match


def boxes(*places, side=100.0):
    return np.array([(x, y, side, side) for x, y in places], dtype=float)


def pairs(expected, found, alike=None, unseen_s=0.04, least=OTHER_LOOK):
    unknown = np.full((len(expected), len(found)), UNKNOWN_LOOK)
    return match(
        expected,
        found,
        unknown if alike is None else np.array(alike, dtype=float),
        np.full(len(expected), unseen_s),
        least=least,
    )


def test_the_nearest_of_those_that_look_alike():
    expected, found = boxes((0, 0), (60, 0)), boxes((58, 0), (2, 0))
    assert pairs(expected, found) == {0: 1, 1: 0}


def test_looks_decide_between_faces_that_lie_over_each_other():
    expected, found = boxes((0, 0), (30, 0)), boxes((5, 0), (25, 0))
    assert pairs(expected, found) == {0: 0, 1: 1}
    assert pairs(expected, found, [[0.2, 0.9], [0.9, 0.2]]) == {0: 1, 1: 0}


@pytest.mark.parametrize("likeness", [OTHER_LOOK - 0.01, -1.0])
def test_who_looks_otherwise_is_somebody_else(likeness):
    assert pairs(boxes((0, 0)), boxes((0, 0)), [[likeness]]) == {}


def test_a_cut_asks_for_more_than_a_place():
    assert pairs(boxes((0, 0)), boxes((0, 0)), [[UNKNOWN_LOOK]], least=SAME_LOOK) == {}
    assert pairs(boxes((0, 0)), boxes((0, 0)), [[0.95]], least=SAME_LOOK) == {0: 0}


def test_half_the_size_is_somebody_else():
    assert pairs(boxes((0, 0)), boxes((30, 30), side=45.0)) == {}


def test_the_reach_grows_with_the_time_out_of_sight():
    expected, found = boxes((0, 0)), boxes((120, 0))
    assert pairs(expected, found, unseen_s=0.04) == {}
    assert pairs(expected, found, unseen_s=1.0) == {0: 0}


def test_a_leap_is_followed_where_the_face_is_known_by_its_look():
    expected = boxes((0, 0))
    assert pairs(expected, boxes((350, 0)), [[0.9]]) == {0: 0}
    assert pairs(expected, boxes((350, 0)), [[0.7]]) == {}
    assert pairs(expected, boxes((450, 0)), [[0.9]]) == {}


def test_what_the_camera_did_to_all_is_taken_off():
    expected = boxes((0, 0), (300, 0), (600, 0))
    given = expected.copy()
    assert pairs(expected, boxes((250, 0), (550, 0), (850, 0))) == {0: 0, 1: 1, 2: 2}
    np.testing.assert_array_equal(expected, given)


def test_more_expected_than_found():
    assert pairs(boxes((0, 0), (300, 0)), boxes((301, 0))) == {0: 1}
