import numpy as np
import pytest

from mien.core.media import Frame
from mien.core.types import Box, Face, Landmarks
from mien.pipeline.locator import FaceLocator
from mien.vision.alignment import CANONICAL

SIZE = 60.0


def face(x, y, score=0.9, size=SIZE):
    points = CANONICAL / 48 * size + (x - size / 2, y - size / 2)
    return Face(Box(x - size / 2, y - size / 2, size, size), score, Landmarks.from_array(points))


def head(seed):
    """The same random picture for each face, so that looks can be compared."""
    return np.kron(np.random.default_rng(seed).integers(0, 256, (12, 12)), np.ones((5, 5)))


class Stage:
    """Faces with known places: picture, detector, follower and reader in one."""

    min_face = 0.0

    def __init__(self):
        self.places = {}
        self.searches = 0
        self.followings = 0
        self.glances = 0
        self.unseen = set()
        self.coarse = False
        self.follow_score = 0.9

    def frame(self, index, rate=25, shape=(240, 320)):
        image = np.full((*shape, 3), 128, np.uint8)
        for seed, (x, y) in self.places.items():
            left, top = round(x - SIZE / 2), round(y - SIZE / 2)
            image[top : top + 60, left : left + 60] = head(seed)[:, :, None]
        return Frame(image, index, index / rate)

    def find(self, image):
        self.searches += 1
        return [face(*place) for place in self.places.values()]

    def glance(self, image):
        if not self.coarse:
            return None
        self.glances += 1
        return [face(*place) for seed, place in self.places.items() if seed not in self.unseen]

    def follow(self, image, expected):
        self.followings += 1
        found = []
        for guess in expected:
            box = guess.box
            middle = np.array([box.x + box.width / 2, box.y + box.height / 2])
            gaps = {p: float(np.linalg.norm(middle - p)) for p in self.places.values()}
            nearest = min(gaps, key=gaps.get, default=None)
            near = nearest is not None and gaps[nearest] < 30
            found.append(face(*nearest, self.follow_score) if near else face(0, 0, 0.1))
        return found

    def crops(self, image, faces):
        from mien.vision.alignment import align

        crops = [align(image, found.landmarks, 48) for found in faces]
        return np.array(crops, np.uint8).reshape(-1, 48, 48)


@pytest.fixture
def stage():
    return Stage()


def locate(stage, locator, frames, move=(0, 0), rate=25):
    """Locate so many frames while all faces move."""
    results = []
    for index in frames:
        results.append(locator.locate(stage.frame(index, rate)))
        stage.places = {k: (x + move[0], y + move[1]) for k, (x, y) in stage.places.items()}
    return results


def test_faces_are_found_now_and_then_and_followed_between(stage):
    stage.places = {1: (60, 100), 2: (200, 100)}
    results = locate(stage, FaceLocator(stage, stage, every=8), range(24), move=(2, 0))
    assert stage.searches == 3
    assert stage.followings == 21
    assert all(sorted(result.ids) == [1, 2] for result in results)
    assert all(len(result.crops) == 2 for result in results)
    assert results[20].faces[0].box.x == pytest.approx(60 + 40 - 30) or results[20].faces[
        0
    ].box.x == pytest.approx(200 + 40 - 30)


def test_a_coarse_search_is_enough_while_nobody_comes_or_goes(stage):
    stage.coarse = True
    stage.places = {1: (60, 100), 2: (200, 100)}
    results = locate(stage, FaceLocator(stage, stage, every=8), range(50), move=(1, 0))
    # Of every eighth frame: 0, 24 and 48 finely.
    assert (stage.searches, stage.glances) == (3, 4)
    assert all(sorted(result.ids) == [1, 2] for result in results)


def test_a_face_that_a_coarse_search_shows_is_searched_for(stage):
    stage.coarse = True
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=8)
    locate(stage, locator, range(8))
    stage.places[2] = (200, 100)
    (result,) = locate(stage, locator, [8])
    assert sorted(result.ids) == [1, 2]
    assert (stage.searches, stage.glances) == (2, 1)


def test_a_face_that_a_coarse_search_misses_is_searched_for(stage):
    stage.coarse = True
    stage.places, stage.unseen = {1: (60, 100), 2: (200, 100)}, {2}
    locator = FaceLocator(stage, stage, every=8)
    results = locate(stage, locator, range(17))
    # Once it is known that one of these two is missed, there is no use in looking coarsely.
    assert (stage.searches, stage.glances) == (3, 1)
    assert all(sorted(result.ids) == [1, 2] for result in results)
    stage.places[3] = (130, 200)
    locate(stage, locator, range(17, 41))
    assert (stage.searches, stage.glances) == (6, 2)


def test_one_unsure_moment_does_not_end_coarse_searches(stage):
    stage.coarse = True
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=8)
    locate(stage, locator, range(8))
    stage.follow_score = 0.3
    locate(stage, locator, [8])
    assert (stage.searches, stage.glances) == (2, 1)
    stage.follow_score = 0.9
    locate(stage, locator, range(9, 25))
    assert (stage.searches, stage.glances) == (2, 3)


def test_two_faces_seen_where_one_is_followed_are_searched_for(stage):
    class Doubled(Stage):
        def glance(self, image):
            return super().glance(image) * 2

    stage = Doubled()
    stage.coarse = True
    stage.places = {1: (60, 100)}
    locate(stage, FaceLocator(stage, stage, every=8), range(9))
    assert (stage.searches, stage.glances) == (2, 1)


def test_an_empty_picture_is_searched_finely_once_a_second(stage):
    stage.coarse = True
    results = locate(stage, FaceLocator(stage, stage, every=8), range(25))
    assert (stage.searches, stage.glances) == (2, 2)
    assert not any(result.faces for result in results)
    stage.places, stage.unseen = {1: (60, 100)}, {1}
    (result,) = locate(stage, FaceLocator(stage, stage, every=8), [25])
    assert len(result.faces) == 1


def test_without_a_follower_every_frame_is_searched(stage):
    stage.places = {1: (60, 100)}
    locate(stage, FaceLocator(stage), range(10))
    assert stage.searches == 10


def test_an_unsure_face_calls_the_detector(stage):
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=100)
    locate(stage, locator, range(2))
    stage.follow_score = 0.3
    locate(stage, locator, range(2, 4))
    assert stage.searches == 3


def test_a_face_that_left_is_gone_and_searched_for(stage):
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=8)
    locate(stage, locator, range(3))
    stage.places = {}
    (result,) = locate(stage, locator, [3])
    assert result.faces == []
    assert result.ids == []
    stage.places = {1: (62, 100)}
    (result,) = locate(stage, locator, [4])
    assert result.ids == [1]


def test_a_face_out_of_sight_is_searched_for_now_and_then(stage):
    stage.places = {1: (60, 100), 2: (200, 100)}
    locator = FaceLocator(stage, stage, every=8)
    locate(stage, locator, range(2))
    del stage.places[2]
    results = locate(stage, locator, range(2, 14))
    assert all(result.ids == [1] for result in results)
    # The search that missed it, those of the next four frames, and then every third.
    assert stage.searches == 1 + 5 + 2
    stage.places[2] = (202, 100)
    results = locate(stage, locator, range(14, 17))
    assert sorted(results[-1].ids) == [1, 2]


def test_followed_faces_keep_the_score_of_the_search(stage):
    stage.places = {1: (60, 100)}
    stage.follow_score = 0.6
    results = locate(stage, FaceLocator(stage, stage, every=8), range(8))
    assert stage.searches == 1
    assert [result.faces[0].score for result in results] == [0.9] * 8


def test_a_face_that_has_become_too_small_is_left_out(stage):
    class Shrinking(Stage):
        def find(self, image):
            return [face for face in super().find(image) if self.wide >= self.min_face]

        def follow(self, image, expected):
            return [face(*place, size=self.wide) for place in self.places.values()][: len(expected)]

    stage = Shrinking()
    stage.min_face, stage.wide = 50.0, 60.0
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=100)
    locate(stage, locator, range(2))
    stage.wide = 40.0
    results = locate(stage, locator, range(2, 6))
    assert not any(result.faces for result in results)


def test_another_face_in_its_place_calls_the_detector(stage):
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=100)
    locate(stage, locator, range(2))
    stage.places = {2: (60, 100)}
    (result,) = locate(stage, locator, [2])
    assert stage.searches == 2
    assert result.ids == [2]


def test_faces_that_touch_call_the_detector(stage):
    stage.places = {1: (100, 100), 2: (180, 100)}
    locator = FaceLocator(stage, stage, every=100)
    locate(stage, locator, [0])
    stage.places = {1: (125, 100), 2: (147, 100)}
    locate(stage, locator, [1])
    assert stage.searches == 2


@pytest.mark.parametrize(("rate", "searches"), [(1, 10), (240, 2)])
def test_at_low_rates_every_frame_is_searched(stage, rate, searches):
    stage.places = {1: (60, 100)}
    locate(stage, FaceLocator(stage, stage, every=8), range(10), rate=rate)
    assert stage.searches == searches


def test_another_picture_size_calls_the_detector(stage):
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=100)
    locator.locate(stage.frame(0))
    locator.locate(stage.frame(1, shape=(480, 640)))
    assert stage.searches == 2


def test_another_picture_size_moves_no_id_to_another_face(stage, monkeypatch):
    """After the change, the first of two faces that look alike is where the second one was."""
    looks = head(1)
    monkeypatch.setitem(globals(), "head", lambda seed: looks)
    stage.places = {1: (60, 60), 2: (120, 120)}
    locator = FaceLocator(stage, stage, every=100)
    locate(stage, locator, range(3))
    stage.places = {1: (120, 120), 2: (240, 240)}
    frames = [stage.frame(index, shape=(480, 640)) for index in (3, 4)]
    assert [locator.locate(frame).ids for frame in frames] == [[1, 2]] * 2
    assert stage.searches == 2


@pytest.mark.parametrize("times", [[0, 0, 0], [3, 2, 1]])
def test_time_may_stand_still_or_run_back(stage, times):
    stage.places = {1: (60, 100)}
    locator = FaceLocator(stage, stage, every=100)
    for time_s in times:
        assert locator.locate(Frame(stage.frame(0).image, 0, time_s)).ids == [1]


def test_no_faces_are_followed_without_cost(stage):
    locator = FaceLocator(stage, stage, every=5)
    results = locate(stage, locator, range(10))
    assert stage.searches == 2
    assert all(result.faces == [] and result.crops.shape == (0, 48, 48) for result in results)


def test_the_largest_face_comes_first(stage):
    class Growing(Stage):
        def follow(self, image, expected):
            sizes = {0: 40.0, 1: 60.0}
            return [face(*p, size=sizes[i]) for i, p in enumerate(self.places.values())]

    stage = Growing()
    stage.places = {1: (60, 100), 2: (200, 100)}
    locator = FaceLocator(stage, stage, every=100)
    first = locator.locate(stage.frame(0))
    second = locator.locate(stage.frame(1))
    assert first.ids == [1, 2]
    if second.faces[0].box.shorter_side > second.faces[1].box.shorter_side:
        assert second.ids == [2, 1]


def test_who_comes_with_a_cut_is_somebody_else(stage, monkeypatch):
    """Another face at the same place in another picture, between two searches."""
    pictures = [
        np.random.default_rng(n).integers(0, 256, (12, 16, 3)).repeat(20, 0) for n in (1, 2)
    ]
    pictures = [picture.repeat(20, 1).astype(np.uint8) for picture in pictures]
    plain, shot = stage.frame, iter([0] * 5 + [1] * 5)

    def frame(index, rate=25):
        shown = plain(index, rate)
        around = (shown.image == 128).all(axis=2)
        shown.image[around] = pictures[next(shot)][around]
        return shown

    monkeypatch.setattr(stage, "frame", frame)
    locator = FaceLocator(stage, stage, every=8)
    stage.places = {1: (160, 120)}
    before = locate(stage, locator, range(5))
    stage.places = {2: (160, 120)}
    after = locate(stage, locator, range(5, 10))
    assert [result.ids for result in before] == [[1]] * 5
    assert [result.ids for result in after] == [[2]] * 5
    assert stage.searches == 2
