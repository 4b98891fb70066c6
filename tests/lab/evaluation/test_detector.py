import numpy as np
import pytest

pytest.importorskip("torch")

from mien.core.types import Box, Face, Landmarks
from mien_lab.data.drafts import Scene
from mien_lab.data.scenes import Picture
from mien_lab.evaluation.detector import (
    alarm_counts,
    alarm_figures,
    generated_figures,
    group_figures,
    landmark_error,
    portrait_figures,
    scene_figures,
    wild_figures,
)

FIVE = np.array([[10, 10], [30, 10], [20, 20], [12, 30], [28, 30]], np.float32)


class Oracle:
    """Finds the same faces in every picture."""

    def __init__(self, *boxes, shift=0.0):
        self.faces = [
            Face(Box(*box), 0.9, Landmarks.from_array(FIVE + np.float32([shift, 0])))
            for box in boxes
        ]

    def detect(self, image):
        return self.faces


def picture(*boxes, scores=None, name="a.jpg"):
    return Picture(
        name,
        np.zeros((100, 100), np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.tile(FIVE, (len(boxes), 1, 1)),
        np.array(scores or [0.9] * len(boxes), np.float32),
    )


def test_landmark_error_is_in_eye_distances():
    assert landmark_error(FIVE + np.float32([2, 0]), FIVE) == pytest.approx(0.1)


def test_portraits():
    figures = portrait_figures(
        Oracle((5, 5, 30, 40), (60, 60, 20, 20), shift=1.0), [picture((5, 5, 30, 40))]
    )
    assert figures["n"] == 1
    assert figures["recall"] == 1.0
    assert figures["surplus_detections"] == 1
    assert figures["landmark_error_mean"] == pytest.approx(0.05)


def test_doubtful_and_animal_boxes_count_neither_way():
    scenes = [
        picture((5, 5, 30, 40), (60, 60, 20, 20), scores=[0.9, 0.6]),
        picture((5, 5, 30, 40), name="n02110958_pug.jpg"),
    ]
    figures = scene_figures(Oracle((60, 60, 20, 20)), scenes)
    assert (figures["n"], figures["recall"], figures["n_with_animals"]) == (1, 0.0, 2)
    assert figures["surplus_detections"] == 1


def test_false_alarms_are_counted_on_face_free_photographs_only():
    counts = alarm_counts(Oracle((0, 0, 9, 9)), [picture(), picture((5, 5, 30, 40), name="b.jpg")])
    assert alarm_figures(list(counts.values())) == {"n": 1, "detections": 1, "per_100": 100.0}


def test_generated_scenes_groups_and_wild():
    one = picture((5, 5, 30, 40))
    scene = Scene(one.image, one.boxes, one.points, np.array([[60, 60, 20, 20]], np.float32))
    oracle = Oracle((5, 5, 30, 40), (60, 60, 20, 20))
    figures = generated_figures(oracle, [scene])
    assert (figures["n_20px"], figures["recall_20px"], figures["surplus_detections"]) == (1, 1.0, 0)
    assert list(figures["by_size"]) == ["32-64"]
    assert group_figures(oracle, [scene])["exactly_right"] == 0
    assert wild_figures(oracle, [one.image])["exactly_one"] == 0.0
