import numpy as np
import pytest

from mien_lab.data.motion import AWAY_S, BOX_ERROR, HEIGHT, Motion, _hidden, make_scene


@pytest.fixture(scope="module")
def stills():
    return np.random.default_rng(0).integers(0, 256, (8, 48, 48)).astype(np.uint8)


@pytest.mark.parametrize("motion", list(Motion))
def test_scenes_repeat_and_people_come_and_go(motion, stills):
    scene = make_scene(motion, 3, stills, seconds=4)
    again = make_scene(motion, 3, stills, seconds=4)
    assert len(scene.frames) == len(scene.times) == 100
    for one, two in zip(scene.frames, again.frames, strict=True):
        assert [seen.person for seen in one] == [seen.person for seen in two]
        people = [seen.person for seen in one if seen.person is not None]
        assert len(people) == len(set(people))
    assert len({len(frame) for frame in scene.frames}) > 1


def sightings(scene):
    """The times at which each person is seen."""
    found = {}
    for time_s, frame in zip(scene.times, scene.frames, strict=True):
        for seen in frame:
            if seen.person is not None:
                found.setdefault(seen.person, []).append(time_s)
    return found


def test_who_was_away_for_long_comes_back_as_another(stills):
    scenes = [make_scene(Motion.LEAVING, number, stills, seconds=20) for number in range(3)]
    found = [sightings(scene) for scene in scenes]
    # Five people are there at most; whoever is called by a higher number has come back.
    assert any(person >= 5 for people in found for person in people)
    gaps = [np.diff(times).max(initial=0) for people in found for times in people.values()]
    # A second and a half, and frames in which the detector misses the face.
    assert 0.5 < max(gaps) < AWAY_S + 0.3


def test_two_meet_and_stay_themselves(stills):
    for number in range(4):
        assert sightings(make_scene(Motion.MEETING, number, stills)).keys() == {0, 1}


def test_what_is_nearer_hides_what_is_behind():
    boxes = np.array([[100, 100, 40, 40], [120, 100, 40, 40], [-10, 200, 40, 40]], float)
    pillar = np.array([[150, 0, 40, HEIGHT]], float)
    nobody = np.zeros((0, 4))
    assert _hidden(boxes, nobody) == pytest.approx([0, 0.5, 0.25])
    assert _hidden(boxes[1:], pillar) == pytest.approx([0.25, 0.25])


def test_a_box_errs_about_the_face(stills):
    scene = make_scene(Motion.CAMERA, 2, stills, seconds=4)
    seen = [one.face for frame in scene.frames for one in frame if one.person is not None]
    # The landmarks are where the face is, whatever the error of its box.
    spans = np.array([np.ptp(face.landmarks.as_array()[:, 0]) for face in seen])
    widths = np.array([face.box.width for face in seen])
    assert np.std(widths / spans) / np.mean(widths / spans) == pytest.approx(BOX_ERROR, rel=0.3)
