import numpy as np
import pytest

from mien_lab.data.cleaning import clean
from mien_lab.data.duplicates import NEAR, find_copies, fingerprints
from mien_lab.data.fer2013 import load_fer


def cleaned(write_rows, rows):
    return clean(load_fer(write_rows(rows)))


def test_what_is_not_trained_on(write_rows, row, picture):
    rows = [
        row(picture(0)),
        row(np.full((48, 48), 90, np.uint8)),
        row(picture(1), votes={"NF": 9, "fear": 1}),
        row(picture(2)),
        row(picture(2)[:, ::-1]),
        row(picture(3)),
        row(picture(3)),
        row((picture(4) * 0.6 + 30).astype(np.uint8)),
        row(picture(2), split="PublicTest"),
        row(picture(4), split="PrivateTest"),
    ]
    found = cleaned(write_rows, rows)
    assert found.rows.tolist() == [0, 5]
    assert found.drops == (
        (1, "blank"),
        (2, "not a face"),
        (3, "copy of a test image"),
        (4, "copy of a test image"),
        (6, "repeated in training"),
        (7, "copy of a test image"),
    )
    assert found.counts() == {
        "blank": 1, "copy of a test image": 3, "not a face": 1, "repeated in training": 1,
    }  # fmt: skip


def test_every_training_row_is_kept_or_dropped_once(fer_folder):
    data = load_fer(fer_folder)
    found = clean(data)
    everything = sorted([*found.rows.tolist(), *(row for row, _ in found.drops)])
    assert everything == data.rows("Training").tolist()


def test_a_blank_row_that_is_no_face_has_one_reason(write_rows, row, picture):
    rows = [
        row(np.zeros((48, 48), np.uint8), votes={"NF": 10}),
        row(picture(0)),
        row(picture(1), split="PublicTest"),
    ]
    assert cleaned(write_rows, rows).drops == ((0, "blank"),)


def test_nothing_to_compare_with(write_rows, row, picture):
    rows = [row(picture(0)), row(picture(0)), row(picture(1))]
    assert cleaned(write_rows, rows).rows.tolist() == [0, 2]


def test_nothing_to_train_on(write_rows, row, picture):
    rows = [row(np.zeros((48, 48), np.uint8)), row(picture(1), split="PublicTest")]
    found = cleaned(write_rows, rows)
    assert found.rows.size == 0
    assert found.counts() == {"blank": 1}


def test_fingerprints_tell_pictures_apart(picture):
    vectors = fingerprints(np.stack([picture(0), picture(1), 255 - picture(0)]))
    alike = vectors @ vectors.T
    assert np.diag(alike) == pytest.approx([1, 1, 1], abs=1e-5)
    assert abs(alike[0, 1]) < NEAR
    assert alike[0, 2] == pytest.approx(-1, abs=1e-3)


def test_copies_name_their_match(picture):
    pixels = np.stack([picture(number) for number in range(6)] + [picture(2)[:, ::-1]])
    rows, others = np.array([6, 0]), np.array([1, 2, 3])
    for block in (1, 2048):
        found = find_copies(pixels, rows, others, block=block)
        assert found.match[0] == 2
        assert found.correlation[0] == pytest.approx(1, abs=1e-4)
        assert found.correlation[1] < NEAR
