import dataclasses
import json

import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.labels import Emotion
from mien.core.types import (
    Box,
    Doubt,
    FrameReading,
    Landmarks,
    flat_rows,
)
from mien.report.tables import COLUMNS

UNIFORM = (0.125,) * 8
NAMES = ["right_eye", "left_eye", "nose", "right_mouth", "left_mouth"]


def test_box_measures():
    box = Box(1, 2, 30, 20)
    assert (box.area, box.shorter_side) == (600, 20)
    assert Box(0.123456, -2.71828, 10, 20).to_dict() == {
        "x": 0.12, "y": -2.72, "width": 10, "height": 20,
    }  # fmt: skip


def test_landmarks_there_and_back():
    points = np.arange(10, dtype=np.float32).reshape(5, 2) / 3
    landmarks = Landmarks.from_array(points)
    assert np.array_equal(landmarks.as_array(), points)
    assert landmarks.as_array().dtype == np.float32
    assert list(landmarks.to_dict()) == NAMES
    assert landmarks.to_dict()["nose"] == [1.33, 1.67]
    assert type(landmarks.nose[0]) is float


@pytest.mark.parametrize("shape", [(5,), (4, 2), (5, 3), (10,), (1, 5, 2)])
def test_landmarks_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match=r"\(5, 2\)"):
        Landmarks.from_array(np.zeros(shape))


def test_reading_to_dict(make_reading):
    reading = make_reading(box=(1.005, 2, 40, 50), top=Emotion.ANGER, probability=0.86, track_id=3)
    found = reading.to_dict()
    assert list(found) == [
        "track_id", "box", "score", "landmarks", "emotions", "top", "prediction_set",
        "uncertain", "uncertain_reason", "valence", "arousal", "sentiment",
    ]  # fmt: skip
    assert found["track_id"] == 3
    assert found["top"] == "anger"
    assert found["prediction_set"] == ["anger"]
    assert (found["uncertain"], found["uncertain_reason"]) == (False, None)
    assert found["sentiment"] == "negative"
    assert json.loads(json.dumps(found)) == found
    assert type(found["top"]) is str


@pytest.mark.parametrize("doubt", Doubt)
def test_doubt_is_named(make_reading, doubt):
    found = make_reading(doubt=doubt).to_dict()
    assert (found["uncertain"], found["uncertain_reason"]) == (True, doubt.value)


def test_frame_to_dict(make_reading):
    frame = FrameReading(7, 1 / 3, (make_reading(), make_reading(box=(60, 0, 9, 9))))
    found = frame.to_dict()
    assert (found["index"], found["time_s"]) == (7, 0.333333)
    assert [face["box"]["x"] for face in found["faces"]] == [10, 60]


def test_rows_have_the_columns_of_the_tables(make_reading):
    frame = FrameReading(7, 0.5, (make_reading(track_id=1), make_reading(doubt=Doubt.SMALL)))
    rows = frame.to_dicts()
    assert [row["face"] for row in rows] == [0, 1]
    assert [row["uncertain"] for row in rows] == [False, True]
    assert ["source", *rows[0]] == list(COLUMNS)


def test_flat_rows_begin_with_the_source(make_reading):
    frames = [FrameReading(n, n / 25, (make_reading(), make_reading())) for n in range(2)]
    rows = flat_rows("a.mp4", frames)
    assert [list(row) for row in rows] == [list(COLUMNS)] * 4
    assert {row["source"] for row in rows} == {"a.mp4"}
    assert [(row["frame"], row["face"]) for row in rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert flat_rows("a.mp4", []) == []


def test_a_frame_without_a_face_is_empty():
    frame = FrameReading(0, 0.0, ())
    assert frame.to_dict()["faces"] == []
    assert frame.to_dicts() == []


def test_results_are_frozen(make_reading):
    reading = make_reading()
    with pytest.raises(dataclasses.FrozenInstanceError):
        reading.track_id = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        reading.face.box.x = 1
    assert hash(reading) == hash(make_reading())
