from dataclasses import replace

import numpy as np
import pytest

from mien.core.labels import EMOTIONS, Emotion
from mien.core.media import Frame
from mien.core.types import Box, Doubt, Face, Landmarks, Quality
from mien.pipeline.frame import judge


class Fixed:
    """A detector that always finds the same."""

    def __init__(self, *points):
        self.points = points

    def detect(self, image):
        box = Box(10.0, 10.0, 50.0, 60.0)
        return [Face(box, 0.9, Landmarks.from_array(np.asarray(p, float))) for p in self.points]


def test_a_face_with_its_landmarks_in_one_place_is_left_out(analyzer, portrait):
    good = np.array([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]])
    detector = Fixed(np.full((5, 2), 30.0), good, np.full((5, 2), np.nan))
    reader = replace(analyzer.parts.reader, detector=detector)
    (reading,) = reader.read(Frame(portrait)).readings
    assert reading.face.landmarks.nose == (50, 50)


@pytest.mark.parametrize(("min_face", "count"), [(50, 1), (51, 0)])
def test_a_face_whose_shorter_side_is_too_short_is_left_out(analyzer, portrait, min_face, count):
    detector = Fixed([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]])
    reader = replace(analyzer.parts.reader, detector=detector, min_face=min_face)
    assert len(reader.find(portrait)) == count


def test_a_still_is_read_at_several_sizes(analyzer, portrait):
    faces = analyzer.parts.reader.find(portrait)
    crops = analyzer.parts.reader.zoomed_crops(portrait, faces)
    assert np.array_equal(crops[:, 1], analyzer.parts.reader.crops(portrait, faces))
    once = replace(analyzer.parts.reader, zooms=(1.0,)).read(Frame(portrait)).readings[0]
    (reading,) = analyzer.read(portrait)
    assert reading.quality == once.quality
    assert reading.scores != once.scores
    logits = analyzer.parts.reader.classifier.raw(crops[0])["logits"].mean(axis=0)
    assert reading.top is EMOTIONS[logits.argmax()]


@pytest.mark.parametrize(
    ("of_quality", "occluded", "members", "doubt"),
    [
        (None, False, 1, None),
        (None, False, 2, Doubt.AMBIGUOUS),
        (None, True, 1, Doubt.OCCLUDED),
        (None, True, 3, Doubt.OCCLUDED),
        (Doubt.SMALL, True, 3, Doubt.SMALL),
    ],
)
def test_of_several_doubts_that_of_the_picture_counts_first(
    make_reading, of_quality, occluded, members, doubt
):
    quality = Quality(30.0, 1.0, 120.0, 40.0, 0.1, of_quality)
    probabilities = np.full(len(EMOTIONS), 1 / len(EMOTIONS), np.float32)
    reading = judge(
        make_reading().face, quality, probabilities, EMOTIONS[:members], 7, occluded=occluded
    )
    assert (reading.doubt, reading.uncertain) == (doubt, doubt is not None)
    assert (reading.prediction_set, reading.track_id) == (EMOTIONS[:members], 7)
    assert reading.top is Emotion.NEUTRAL
