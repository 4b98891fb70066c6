import numpy as np
import pytest

from mien.pipeline.locator import DETECT_EVERY
from mien_lab.data.motion import Motion, make_scene
from mien_lab.evaluation.tracking import (
    LOCATED,
    OverlapTracker,
    _Film,
    evaluate_tracking,
    identity_figures,
)


@pytest.fixture(scope="module")
def stills():
    return np.random.default_rng(0).integers(0, 256, (8, 48, 48)).astype(np.uint8)


def test_identities_are_counted():
    course = [[(0, 1), (1, 2)], [(0, 2), (1, 1)], [(0, 2), (1, 5)]]
    assert identity_figures(course) == {
        "switches": 3,
        "swaps": 2,
        "extra_ids": 3,
        "sightings": 6,
        "steady": 3,
    }


def test_steady_ids_have_no_faults():
    figures = identity_figures([[(0, 7)], [], [(0, 7)]])
    assert figures["switches"] == figures["extra_ids"] == 0
    assert figures["steady"] == figures["sightings"] == 2


def test_overlap_matching_joins_overlapping_boxes(stills):
    scene = make_scene(Motion.CAMERA, 0, stills, seconds=1)
    faces = [seen.face for seen in scene.frames[0]]
    tracker = OverlapTracker()
    assert tracker.update(faces, 0.0) == tracker.update(faces, 0.04)
    assert tracker.update(faces, 9.0) == tracker.update(faces, 9.04)


def test_the_tracker_beats_plain_overlap(fer_folder):
    figures = evaluate_tracking(fer_folder, scenes=2, seconds=4)
    ours, plain = figures["mien"]["all"], figures["plain overlap"]["all"]
    assert ours["sightings"] == plain["sightings"] > 0
    assert ours["switches"] < plain["switches"]
    # Who comes between two searches is seen at the next one.
    served = figures[LOCATED]["all"]
    assert 0.8 * ours["sightings"] < served["sightings"] < ours["sightings"]
    assert served["switches"] < plain["switches"]


def test_films_are_searched_now_and_then(stills, monkeypatch):
    scene = make_scene(Motion.CROSSING, 1, stills, seconds=2)
    searched = []
    find = _Film.find
    monkeypatch.setattr(_Film, "find", lambda film, image: searched.append(1) or find(film, image))
    course = _Film(scene).course()
    assert len(course) == 50
    assert 50 / DETECT_EVERY <= len(searched) < 50
    people = {person for frame in course for person, _ in frame}
    assert people == {seen.person for frame in scene.frames for seen in frame} - {None}
