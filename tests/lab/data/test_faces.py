import csv

import cv2
import numpy as np
import pytest

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.core.types import Landmarks
from mien.vision.alignment import CANONICAL, align, alignment_matrix, crop_face
from mien.vision.geometry import apply_transform
from mien_lab.data.face_labels import POINTS
from mien_lab.data.faces import (
    CANVAS,
    MARGIN,
    fer_faces,
    join,
    photograph_faces,
    upright_crops,
)
from mien_lab.data.fer2013 import FER_LABELS, load_fer
from mien_lab.data.placement import place_landmarks

FACE = np.array([[125.2, 101], [166.4, 105.2], [143.5, 126.8], [123.9, 143.4], [158.8, 147]])
"""The astronaut's landmarks in the portrait."""
HEADER = ["image", "score", "x", "y", "w", "h", *(f"{p}_{axis}" for p in POINTS for axis in "xy")]


@pytest.fixture
def photographs(tmp_path, portrait):
    """One photograph with a small and a large face row, one without a label."""
    (tmp_path / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(tmp_path / "images" / name), portrait[:, :, ::-1])
    with (tmp_path / "faces.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(HEADER)
        table.writerow(["a.jpg", 0.9, 0, 0, 20, 20, *(FACE * 0.1).ravel()])
        table.writerow(["a.jpg", 0.8, 100, 60, 90, 116, *FACE.ravel()])
        table.writerow(["b.jpg", 0.8, 100, 60, 90, 116, *FACE.ravel()])
    (tmp_path / "expressions.csv").write_text("image,emotion\na.jpg,happy\nnone.jpg,sad\n")
    return tmp_path


@pytest.fixture
def small_portrait(portrait):
    """The astronaut's face, framed and sized as FER2013's."""
    return crop_face(portrait, alignment_matrix(FACE))


def test_rows_become_canvases(fer_folder):
    data = load_fer(fer_folder)
    rows = np.array([0, 5, 9])
    faces = fer_faces(data, rows)
    assert faces.canvases.shape == (3, CANVAS, CANVAS)
    assert faces.canvases.dtype == np.uint8
    assert faces.matrices.shape == (3, 2, 3)
    inner = slice(MARGIN, CANVAS - MARGIN)
    assert np.array_equal(faces.canvases[:, inner, inner], data.pixels[rows])
    assert [FER_LABELS[index] for index in faces.fer.argmax(axis=1)] == [
        FER_LABELS[label] for label in data.labels[rows]
    ]
    assert (faces.fer.sum(axis=1) == 1).all()


def test_rows_are_aligned_by_what_ships(write_rows, row, small_portrait):
    faces = fer_faces(load_fer(write_rows([row(small_portrait)])), np.array([0]))
    points = place_landmarks(small_portrait)
    assert np.array_equal(faces.landmarks[0], points)
    moved = apply_transform(faces.matrices[0], points + MARGIN)
    np.testing.assert_allclose(moved, CANONICAL, atol=2)


def test_a_row_without_landmarks_keeps_its_framing(fer_folder, monkeypatch):
    monkeypatch.setattr("mien_lab.data.faces.place_landmarks", lambda _: None)
    data = load_fer(fer_folder)
    faces = fer_faces(data, np.array([9]))
    assert np.isnan(faces.landmarks).all()
    assert np.array_equal(upright_crops(faces)[0], data.pixels[9])


def test_what_the_votes_weigh(write_rows, row, picture):
    rows = [
        row(picture(0), votes={"sadness": 6, "neutral": 4}),
        row(picture(1), votes={"unknown": 5, "sadness": 5}),
        row(picture(2), votes={"unknown": 10}),
        row(picture(3), votes={}),
    ]
    faces = fer_faces(load_fer(write_rows(rows)), np.arange(4))
    assert faces.emotion_weight == pytest.approx([1, 0.3, 0, 0])
    assert faces.emotions[0][[0, 3]] == pytest.approx([0.4, 0.6])
    assert faces.emotions.sum(axis=1) == pytest.approx([1, 1, 0, 0])


def test_training_crops_are_those_of_serving(write_rows, row, small_portrait):
    (found,) = upright_crops(fer_faces(load_fer(write_rows([row(small_portrait)])), np.array([0])))
    served = align(small_portrait, Landmarks.from_array(place_landmarks(small_portrait)))
    assert np.abs(found.astype(float) - served).mean() < 1


def test_photographs(photographs, portrait):
    faces = photograph_faces(photographs)
    assert len(faces) == 1
    (crop,) = upright_crops(faces)
    served = align(portrait, Landmarks.from_array(FACE))
    assert np.abs(crop.astype(float) - served).mean() < 3
    assert EMOTIONS[faces.emotions[0].argmax()] is Emotion.HAPPINESS
    assert faces.emotions[0].max() == pytest.approx(0.85)
    assert faces.emotions.sum() == pytest.approx(1)
    assert (faces.emotion_weight[0], faces.fer.sum()) == (1, 0)


def test_photographs_have_surroundings(photographs, portrait):
    canvas = photograph_faces(photographs).canvases[0]
    matrix = alignment_matrix(FACE)
    corner = cv2.invertAffineTransform(matrix) @ np.array([-10.0, -10, 1])
    around = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)[int(corner[1]), int(corner[0])]
    assert abs(float(canvas[MARGIN - 10, MARGIN - 10]) - float(around)) < 40


def test_a_photograph_that_cannot_be_read(photographs):
    (photographs / "images" / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.jpg cannot be read"):
        photograph_faces(photographs)


def test_an_unknown_label(photographs):
    (photographs / "expressions.csv").write_text("image,emotion\na.jpg,smug\n")
    with pytest.raises(InputError, match=r"expressions\.csv: unknown emotion 'smug'; use one of"):
        photograph_faces(photographs)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("0.9,0,", "0.9,left,", "holds no number where one belongs .*left"),
        (",w,", ",width,", "'w'"),
    ],
)
def test_places_of_faces_that_are_no_numbers(photographs, before, after, words):
    places = photographs / "faces.csv"
    places.write_text(places.read_text().replace(before, after))
    with pytest.raises(InputError, match=rf"faces\.csv .*{words}"):
        photograph_faces(photographs)


def test_no_labelled_photograph(photographs):
    (photographs / "expressions.csv").write_text("image,emotion\nnone.jpg,sad\n")
    with pytest.raises(InputError, match=r"no photograph has a label and a face; .*faces\.csv"):
        photograph_faces(photographs)


def test_no_rows(fer_folder):
    with pytest.raises(InputError, match="no row of FER2013 is left"):
        fer_faces(load_fer(fer_folder), np.zeros(0, np.intp))


def test_sets_are_joined(fer_folder, photographs):
    one, other = fer_faces(load_fer(fer_folder), np.arange(3)), photograph_faces(photographs)
    both = join(one, other)
    assert len(both) == 4
    assert np.array_equal(both.canvases[3], other.canvases[0])
    assert np.array_equal(both.fer[:3], one.fer)
