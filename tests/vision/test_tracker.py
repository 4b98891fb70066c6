import tracemalloc

import numpy as np
import pytest

from mien.core.types import Box, Face, Landmarks
from mien.vision.alignment import CANONICAL
from mien.vision.tracker import MEMORY_S, FaceTracker, appearance_descriptors

STEP = 0.04


def face(x, y, size=60.0, score=0.9):
    points = CANONICAL / 48 * size + (x - size / 2, y - size / 2)
    return Face(Box(x - size / 2, y - size / 2, size, size), score, Landmarks.from_array(points))


def descriptors(*seeds):
    crops = [np.random.default_rng(seed).integers(0, 256, (48, 48)) for seed in seeds]
    return appearance_descriptors(np.array(crops, np.uint8).reshape(-1, 48, 48))


def test_a_moving_face_keeps_its_id():
    tracker = FaceTracker()
    ids = {tracker.update([face(50 + 20 * i, 100)], i * STEP)[0] for i in range(30)}
    assert ids == {1}


def test_faces_in_any_order_keep_their_ids():
    tracker = FaceTracker()
    assert tracker.update([face(50, 100), face(250, 100)], 0.0) == [1, 2]
    assert tracker.update([face(252, 100), face(51, 100)], STEP) == [2, 1]


def test_a_new_face_gets_a_new_id():
    tracker = FaceTracker()
    tracker.update([face(50, 100)], 0.0)
    assert tracker.update([face(50, 100), face(300, 100)], STEP) == [1, 2]


def test_a_covered_face_keeps_its_id_and_its_way():
    tracker = FaceTracker()
    for i in range(10):
        tracker.update([face(50 + 8 * i, 100)], i * STEP)
    for i in range(10, 15):
        assert tracker.update([], i * STEP) == []
        assert tracker.hidden
    assert tracker.update([face(50 + 8 * 15, 100)], 15 * STEP) == [1]
    assert not tracker.hidden


def test_a_face_long_out_of_sight_is_forgotten():
    tracker = FaceTracker()
    tracker.update([face(50, 100)], 0.0, descriptors(1))
    for i in range(1, 60):
        tracker.update([], i * STEP)
    assert 60 * STEP > MEMORY_S
    assert tracker.update([face(50, 100)], 60 * STEP, descriptors(1)) == [2]
    assert tracker.expected(61 * STEP).keys() == {2}


def test_crossing_faces_keep_their_ids_by_motion():
    tracker = FaceTracker()
    for i in range(40):
        left, right = face(50 + 8 * i, 100), face(370 - 8 * i, 104)
        assert tracker.update([left, right], i * STEP) == [1, 2]


def test_faces_that_meet_and_turn_back_keep_their_ids_by_appearance():
    tracker = FaceTracker()
    for i in range(40):
        gap = abs(160 - 8 * i)
        found = [face(210 - gap, 100), face(210 + gap, 100)]
        if gap < 40:
            # The one in front hides the other.
            assert tracker.update(found[:1], i * STEP, descriptors(1)) == [1]
        else:
            assert tracker.update(found, i * STEP, descriptors(1, 2)) == [1, 2]


def test_another_face_in_the_same_place_is_another():
    tracker = FaceTracker()
    tracker.update([face(50, 100)], 0.0, descriptors(1))
    assert tracker.update([face(50, 100)], STEP, descriptors(2)) == [2]


def test_the_camera_may_be_jerked():
    tracker = FaceTracker()
    places = [(100, 100), (190, 110), (280, 95)]
    tracker.update([face(*place) for place in places], 0.0)
    # By the distance between faces, so that overlap alone would shift the ids by one.
    moved = [face(x + 90, y) for x, y in places]
    assert tracker.update(moved, STEP) == [1, 2, 3]


def test_a_crowd_that_the_camera_moves_across_takes_little_memory():
    dice = np.random.default_rng(0)
    grid = 90.0 * np.array([(x, y) for x in range(15) for y in range(10)])
    places = grid + dice.normal(0, 8, grid.shape)
    tracker = FaceTracker()
    ids = tracker.update([face(*place) for place in places], 0.0)
    tracemalloc.start()
    try:
        assert tracker.update([face(x + 70, y + 40) for x, y in places], STEP) == ids
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_single_similar_face_may_jump():
    tracker = FaceTracker()
    tracker.update([face(100, 100)], 0.0, descriptors(1))
    assert tracker.update([face(250, 100)], STEP, descriptors(1)) == [1]
    assert tracker.update([face(100, 100)], 2 * STEP, descriptors(2)) == [2]


def test_a_face_that_comes_near_keeps_its_id():
    tracker = FaceTracker()
    sizes = [20 * 1.1**i for i in range(30)]
    assert {tracker.update([face(300, 300, s)], i * STEP)[0] for i, s in enumerate(sizes)} == {1}


@pytest.mark.parametrize("rate", [1, 240])
def test_any_frame_rate(rate):
    tracker = FaceTracker()
    ids = [tracker.update([face(200 + 15 * np.sin(i / rate), 100)], i / rate) for i in range(300)]
    assert ids == [[1]] * 300


def test_at_one_frame_per_second_a_missing_frame_is_forgiven():
    tracker = FaceTracker()
    tracker.update([face(100, 100)], 0.0)
    tracker.update([], 1.0)
    assert tracker.update([face(102, 100)], 2.0) == [1]


@pytest.mark.parametrize("times", [[0, 0, 0, 0], [3.0, 2.0, 1.0, 0.0], [0, 1e9, 5, 5]])
def test_time_may_stand_still_run_back_or_leap(times):
    tracker = FaceTracker()
    for time_s in times:
        assert tracker.update([face(100, 100)], time_s) == [1]
        assert tracker.expected(time_s)[1].box.x == pytest.approx(70, abs=1)


def test_thirty_faces():
    tracker = FaceTracker()
    rng = np.random.default_rng(0)
    places = [(80 * (i % 6) + 50, 90 * (i // 6) + 50) for i in range(30)]
    for step in range(20):
        order = rng.permutation(30)
        found = [face(places[i][0] + 2 * step, places[i][1] + rng.normal()) for i in order]
        ids = tracker.update(found, step * STEP)
        named = {int(place): id_ for place, id_ in zip(order, ids, strict=True)}
        if step == 0:
            first = named
        assert named == first


def test_expected_places_move_on_with_the_face():
    tracker = FaceTracker()
    for i in range(20):
        tracker.update([face(50 + 10 * i, 100)], i * STEP)
    expected = tracker.expected(20 * STEP)[1]
    assert expected.box.x == pytest.approx(50 + 200 - 30, abs=4)
    assert expected.landmarks.nose[0] == pytest.approx(face(250, 100).landmarks.nose[0], abs=4)


def test_followed_faces_keep_the_ids_they_are_given():
    tracker = FaceTracker()
    tracker.update([face(100, 100), face(300, 100)], 0.0, descriptors(1, 2))
    tracker.keep([2], [face(305, 100)], STEP, descriptors(2))
    assert tracker.hidden
    assert tracker.update([face(310, 100), face(100, 100)], 2 * STEP, descriptors(2, 1)) == [2, 1]


def test_similarity_tells_faces_apart():
    tracker = FaceTracker()
    tracker.update([face(100, 100)], 0.0, descriptors(1))
    same, other = (
        tracker.similarity([1], descriptors(1))[0],
        tracker.similarity([1], descriptors(2))[0],
    )
    assert same == pytest.approx(1.0)
    assert other < 0.5


def test_descriptors_do_not_depend_on_light():
    crop = np.random.default_rng(0).integers(60, 120, (1, 48, 48)).astype(np.uint8)
    brighter = (crop.astype(int) + 80).astype(np.uint8)
    assert appearance_descriptors(crop)[0] @ appearance_descriptors(brighter)[0] == pytest.approx(
        1.0, abs=1e-4
    )
    assert np.isfinite(appearance_descriptors(np.zeros((1, 48, 48), np.uint8))).all()
    assert appearance_descriptors(np.zeros((0, 48, 48), np.uint8)).shape == (0, 144)


def test_at_a_cut_similar_faces_keep_their_ids():
    """The second face keeps its id though it moved; a new face in place of the first does not."""
    tracker = FaceTracker()
    assert tracker.update([face(100, 100), face(300, 100)], 0.0, descriptors(1, 2)) == [1, 2]
    found = [face(100, 100), face(380, 120)]
    assert tracker.update(found, STEP, descriptors(3, 2), cut=True) == [3, 2]
    assert not tracker.hidden
    # The track of the first is deleted; that of the second starts anew, at rest.
    assert tracker.update([face(100, 100)], 2 * STEP, descriptors(1)) != [1]
    assert tracker.expected(2 * STEP) != {}


def test_after_a_cut_a_face_is_expected_where_it_is():
    tracker = FaceTracker()
    tracker.update([face(100, 100)], 0.0, descriptors(1))
    assert tracker.update([face(180, 100)], STEP, descriptors(1), cut=True) == [1]
    assert tracker.expected(2 * STEP)[1].box.x == pytest.approx(face(180, 100).box.x, abs=1e-6)


def test_a_cut_without_descriptors_ends_all_tracks():
    tracker = FaceTracker()
    assert tracker.update([face(100, 100)], 0.0) == [1]
    assert tracker.update([face(100, 100)], STEP, cut=True) == [2]


def test_whoever_comes_after_a_stall_is_not_who_was_gone_before_it():
    tracker = FaceTracker()
    tracker.update([face(50, 100)], 0.0)
    for i in (1, 2):
        tracker.update([], i * STEP)
    assert tracker.update([face(700, 100)], 60.0) == [2]


def stalled(last=5, look=None):
    """A tracker of one face, and the time of the next frame."""
    tracker = FaceTracker()
    for i in range(last):
        assert tracker.update([face(100, 100)], i * STEP, look) == [1]
    return tracker, last * STEP


@pytest.mark.parametrize("look", [None, 1, 2])
@pytest.mark.parametrize("x", [100, 180, 700])
def test_who_was_in_view_when_the_pictures_stalled_is_not_whoever_comes_after(x, look):
    tracker, next_s = stalled(look=None if look is None else descriptors(1))
    found = None if look is None else descriptors(look)
    assert tracker.expected(next_s + 60) == {}
    assert tracker.update([face(x, 100)], next_s + 60, found) == [2]
    assert tracker.update([face(x, 100)], next_s + 60 + STEP, found) == [2]


def test_who_was_missing_once_when_the_pictures_stalled_is_forgotten_too():
    tracker, next_s = stalled()
    tracker.update([], next_s)
    assert tracker.hidden
    assert tracker.update([face(100, 100)], next_s + 60) == [2]


def test_a_short_stall_is_forgiven():
    tracker, next_s = stalled()
    assert tracker.expected(next_s + 1).keys() == {1}
    assert tracker.update([face(105, 100)], next_s + 1) == [1]


@pytest.mark.parametrize("step_s", [2.0, 5.0])
def test_films_of_few_frames_keep_ids(step_s):
    tracker = FaceTracker()
    for i in range(10):
        assert tracker.update([face(100 + 5 * i, 100)], i * step_s) == [1]
        assert tracker.expected((i + 1) * step_s).keys() == {1}
    tracker.update([], 10 * step_s)
    assert tracker.update([face(150, 100)], 11 * step_s) == [1]
    assert tracker.update([face(150, 100)], 11 * step_s + 60) == [2]


def test_tracks_are_converted_to_another_frame_size():
    tracker, larger = FaceTracker(), FaceTracker()
    for i in range(10):
        tracker.update([face(50 + 8 * i, 100)], i * STEP)
        larger.update([face(2 * (50 + 8 * i), 200, size=120.0)], i * STEP)
    tracker.rescale(2.0, 2.0)
    (known,) = tracker.expected(10 * STEP).values()
    (wanted,) = larger.expected(10 * STEP).values()
    assert known.box.as_tuple() == pytest.approx(wanted.box.as_tuple())
    assert np.allclose(known.landmarks.as_array(), wanted.landmarks.as_array())
    assert tracker.update([face(210 + 16 * 2, 200, size=120.0)], 11 * STEP) == [1]
