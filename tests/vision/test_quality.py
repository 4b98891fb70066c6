import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.core.types import Box, Doubt, Face, Landmarks
from mien.vision.alignment import CANONICAL, CROP_SIZE, align
from mien.vision.quality import MIN_EYE_DISTANCE, assess

FACE = np.array([[125.2, 101], [166.4, 105.2], [143.5, 126.8], [123.9, 143.4], [158.8, 147]])
"""The astronaut's landmarks in the portrait."""


def face(points):
    return Face(Box(0, 0, 100, 100), 0.9, Landmarks.from_array(np.asarray(points, float)))


def judged(image, points=FACE):
    found = face(points)
    return assess(found, align(image, found.landmarks))


def test_a_good_portrait_is_not_doubted(portrait):
    quality = judged(portrait)
    assert quality.defect is None
    assert quality.eye_distance == pytest.approx(41.4, abs=0.1)
    assert 0 <= quality.turn < 0.3
    assert quality.sharpness > 0
    assert 50 < quality.brightness < 220


def test_a_small_face(portrait):
    scale = MIN_EYE_DISTANCE * 0.8 / 41.4
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert judged(small, FACE * scale).defect is Doubt.SMALL


def test_a_dark_face(portrait):
    assert judged((portrait * 0.03).astype(np.uint8)).defect is Doubt.EXPOSURE


def test_an_overexposed_face(portrait):
    assert judged(np.clip(portrait * 8.0 + 150, 0, 255).astype(np.uint8)).defect is Doubt.EXPOSURE


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_face_without_contrast(portrait, level):
    assert judged(np.full_like(portrait, level)).defect is Doubt.EXPOSURE


@pytest.mark.parametrize("side", [-1, 1])
def test_a_turned_face(portrait, side):
    points = FACE.copy()
    points[2, 0] += side * 22
    quality = judged(portrait, points)
    assert quality.defect is Doubt.TURNED_AWAY
    assert 0.75 < quality.turn <= 1


def test_a_blurred_face(portrait):
    quality = judged(cv2.GaussianBlur(portrait, (0, 0), 9))
    assert quality.defect is Doubt.BLURRED
    assert quality.sharpness < judged(portrait).sharpness / 5


def test_turn_measures_the_nose_between_eyes_and_mouth():
    crop = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    level = np.array([[10, 10], [30, 10], [20, 20], [10, 30], [30, 30]], float)
    assert assess(face(level), crop).turn == 0
    for offset, turn in ((5, 0.5), (-5, 0.5), (10, 1), (40, 1)):
        moved = level + np.array([[0, 0], [0, 0], [offset, 0], [0, 0], [0, 0]])
        assert assess(face(moved), crop).turn == pytest.approx(turn)


@pytest.mark.parametrize("angle", [0.4, 1.5, 3.0])
def test_turn_and_size_do_not_depend_on_the_roll(angle):
    crop = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    one, other = assess(face(CANONICAL), crop), assess(face(CANONICAL @ turn), crop)
    assert other.turn == pytest.approx(one.turn, abs=1e-5)
    assert other.eye_distance == pytest.approx(one.eye_distance, abs=1e-3)


def test_sharpness_hardly_depends_on_contrast(portrait):
    dim = (portrait * 0.5 + 60).astype(np.uint8)
    assert judged(dim).sharpness == pytest.approx(judged(portrait).sharpness, rel=0.15)


def test_landmarks_in_one_place_are_measured_without_a_fault():
    quality = assess(face(np.zeros((5, 2))), np.zeros((CROP_SIZE, CROP_SIZE), np.uint8))
    assert quality.defect is Doubt.SMALL
    assert 0 <= quality.turn <= 1


def test_the_pages_doubt_the_same():
    shared = json.loads((Path(__file__).parents[2] / "web/tests/judgement.json").read_text())
    for case in shared["doubts"]:
        side = round(len(case["crop"]) ** 0.5)
        crop = np.array(case["crop"], np.uint8).reshape(side, side)
        assert assess(face(case["points"]), crop).defect == case["doubt"], case["name"]
    assert {case["doubt"] for case in shared["doubts"]} == {
        *(None, "small", "too dark or too bright", "turned away", "blurred")
    }
