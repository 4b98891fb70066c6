import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien_lab.cli import app
from mien_lab.data.cleaning import (
    LISTED,
    clean,
    public_rows,
    read_copies,
    write_copies,
    write_drops,
)
from mien_lab.data.fer2013 import load_fer


def cleaned(write_rows, rows):
    return clean(load_fer(write_rows(rows)))


def test_what_is_not_trained_on(write_rows, row, picture, tmp_path):
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
    write_drops(tmp_path / "drops.csv", found)
    assert (tmp_path / "drops.csv").read_text().splitlines() == [
        "row,reason,copy_of",
        "1,blank,",
        "2,not a face,",
        "3,copy of a test image,8",
        "4,copy of a test image,8",
        "6,repeated in training,",
        "7,copy of a test image,9",
    ]


@pytest.fixture
def reframed(write_rows, row, picture, tmp_path):
    """FER2013 whose rows 1 and 2 show the picture of row 4, and a writer of a list of copies."""
    scaled = cv2.resize(picture(2), (56, 56), interpolation=cv2.INTER_CUBIC)[3:51, 5:53]
    table = tmp_path / "copies.csv"

    def written(*pairs):
        write_copies(table, np.array(pairs), np.linspace(0.9, 0.95, len(pairs), dtype=np.float32))
        return table

    def data(split):
        return load_fer(
            write_rows(
                [
                    row(picture(0)),
                    row(scaled, split=split),
                    row(scaled[:, ::-1], split=split),
                    row(picture(7), split="PublicTest"),
                    row(picture(2), split="PrivateTest"),
                ]
            )
        )

    return data, written


def test_a_copy_in_another_framing(reframed, caplog):
    data, written = reframed
    fer = data("Training")
    assert clean(fer, None).rows.tolist() == [0, 1, 2]
    found = clean(fer, written([1, 4], [2, 4]))
    assert found.rows.tolist() == [0]
    assert found.counts() == {"copy of a test image in another framing": 2}
    assert found.copied.tolist() == [4]
    assert not caplog.records


def test_constants_are_fitted_on_no_copy_in_another_framing(reframed):
    data, written = reframed
    fer = data("PublicTest")
    assert public_rows(fer, None).tolist() == [1, 2, 3]
    assert public_rows(fer, written([1, 4], [2, 4])).tolist() == [3]


def test_a_list_of_other_data_is_not_believed(reframed, caplog):
    # Neither a row that is no copy, nor one beyond the end.
    data, written = reframed
    assert clean(data("Training"), written([0, 4], [9, 4], [1, 4])).rows.tolist() == [0, 2]
    assert "1 of 2 listed copies are not copies here" in caplog.text


def test_what_cannot_be_laid_over_is_believed_with_the_rest(reframed, caplog, monkeypatch):
    data, written = reframed
    monkeypatch.setattr("mien_lab.data.cleaning.MOST", 0.5)
    assert clean(data("Training"), written([0, 4], [1, 4])).rows.tolist() == [2]
    assert not caplog.records


def test_of_several_matches_the_list_names_the_best(tmp_path):
    table = tmp_path / "copies.csv"
    write_copies(table, np.array([[5, 9], [5, 8], [2, 9]]), np.array([0.9, 0.95, 0.83], np.float32))
    assert table.read_text() == "row,copy_of,correlation\n2,9,0.830\n5,8,0.950\n"
    assert read_copies(table).tolist() == [[2, 9], [5, 8]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"row;copy_of\n1;2\n", r"copies\.csv has no column row, but: row;copy_of"),
        (b"row,correlation\n1,0.9\n", r"copies\.csv has no column copy_of"),
        (b"row,copy_of\n1,2\n3\n", r"line 3 of .*copies\.csv has 1 cells, not 2"),
        (b"row,copy_of\n1,2\n\n3,x\n", r"line 4 of .*copies\.csv does not name two rows"),
        (b"row,copy_of\n-1,2\n", r"line 2 of .*copies\.csv does not name two rows"),
        (b"row,copy_of\n\xff,2\n", r"copies\.csv is not a CSV file in UTF-8"),
        (None, r"copies\.csv is missing"),
    ],
)
def test_what_is_no_list(tmp_path, text, sentence):
    path = tmp_path / "copies.csv"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError, match=sentence):
        read_copies(path)


def test_the_list_that_ships_names_each_row_once_and_a_later_part():
    pairs = read_copies(LISTED)
    assert len(pairs) > 2000
    assert len(np.unique(pairs[:, 0])) == len(pairs)
    # FER2013's parts: 28,709 rows to train on, then 3,589 of each test.
    part = np.digitize(pairs, [28_709, 28_709 + 3_589, 35_887])
    assert (part[:, 0] < part[:, 1]).all()
    assert set(part.ravel().tolist()) == {0, 1, 2}


def test_every_training_row_is_kept_or_dropped_once(fer_folder):
    data = load_fer(fer_folder)
    found = clean(data)
    everything = sorted([*found.rows.tolist(), *(row for row, _ in found.drops)])
    assert everything == data.rows("Training").tolist()


def test_the_command_names_every_dropped_row(fer_folder, tmp_path):
    place = tmp_path / "drops.csv"
    done = CliRunner().invoke(app, ["clean", "--data", str(fer_folder), "--drops", str(place)])
    assert done.exit_code == 0, done.output
    counts = json.loads(done.stdout)["dropped"]
    assert len(place.read_text().splitlines()) == 1 + sum(counts.values())


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


def test_cleaning_as_a_command(fer_folder):
    done = CliRunner().invoke(app, ["clean", "--data", str(fer_folder)])
    found = json.loads(done.stdout)
    assert found["kept"] + sum(found["dropped"].values()) == 36
