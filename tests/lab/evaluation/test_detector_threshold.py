from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from mien.core.types import Box, Face, Landmarks
from mien_lab.data.scenes import Part
from mien_lab.evaluation import detector_threshold
from mien_lab.evaluation.detector_threshold import choose_threshold

FIVE = np.array([[3, 4], [7, 4], [5, 6], [3, 8], [7, 8]], np.float32)


class Scored:
    """Finds in each picture a face of each score that is noted of it."""

    def __init__(self, scores):
        self.scores = scores

    def detect(self, image):
        five = Landmarks.from_array(FIVE)
        return [Face(Box(0, 0, 10, 10), score, five) for score in self.scores.get(id(image), [])]


@pytest.mark.parametrize(
    ("validation", "threshold"), [([0.95, 0.85], 0.86), ([0.55, 0.45], 0.71), ([], 0.71)]
)
def test_the_threshold_is_the_lowest_with_few_enough_alarms(
    drawn_face, texture, monkeypatch, validation, threshold
):
    """Of 400 photographs two may give alarm, of ten one."""
    parts = {
        Part.TRAIN: [texture("a") for _ in range(400)],
        Part.VALIDATION: [texture("a") for _ in range(10)],
    }
    face = drawn_face(10)
    face.boxes[:] = (0, 0, 10, 10)
    scores = {id(face.image): [0.75]}
    for part, alarms in ((Part.TRAIN, [0.9, 0.8, 0.7, 0.3]), (Part.VALIDATION, validation)):
        scores |= {id(scene.image): [s] for scene, s in zip(parts[part], alarms, strict=False)}
    parts[Part.TRAIN].append(face)
    monkeypatch.setattr(detector_threshold, "build_detector", lambda config: Scored(scores))
    monkeypatch.setattr(detector_threshold, "read_scenes", lambda folder, part: parts[part])
    choice = choose_threshold(Path())
    assert choice["threshold"] == threshold
    rows = {row["threshold"]: row for row in choice["table"]["train"]}
    assert rows[0.1] == {"threshold": 0.1, "false_alarms_per_100": 1.0, "recall_sure": 1.0}
    assert rows[0.75] == {"threshold": 0.75, "false_alarms_per_100": 0.5, "recall_sure": 1.0}
    assert rows[0.8]["recall_sure"] == 0.0
