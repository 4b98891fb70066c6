import csv
import json

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien_lab.cli import app
from mien_lab.evaluation.photographs import evaluate_photographs


@pytest.fixture
def photographs(tmp_path, portrait):
    """The portrait, its mirror image, and a wall."""
    (tmp_path / "images").mkdir()
    wall = np.full((100, 100, 3), 128, np.uint8)
    pictures = {"a.png": portrait, "b.png": portrait[:, ::-1], "wall.png": wall}
    with (tmp_path / "labels.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["image", "emotion"])
        for name, image in pictures.items():
            PIL.Image.fromarray(np.ascontiguousarray(image)).save(tmp_path / "images" / name)
            table.writerow([name, "happy"])
    return tmp_path


def test_photographs_without_a_face_count_as_wrong(photographs):
    found = evaluate_photographs(photographs, precision="fp32")
    assert (found["n"], found["missed"], found["several"]) == (3, 1, 0)
    hits = np.trace(np.array(found["confusion"]))
    assert found["accuracy"] == pytest.approx(hits / 3)
    low, high = found["accuracy_interval"]
    assert low <= found["accuracy"] <= high
    assert np.array(found["confusion"]).sum() == 2
    marked = found["uncertain"]
    assert marked["wrong"] + marked["wrong_others"] == 2 - hits
    assert 0 <= found["expected_calibration_error"] <= 1


def test_photographs_without_any_face(photographs):
    (photographs / "labels.csv").write_text("image,emotion\nwall.png,sad\n")
    found = evaluate_photographs(photographs)
    assert (found["n"], found["missed"], found["accuracy"]) == (1, 1, 0)
    assert found["expected_calibration_error"] is None


def test_photographs_that_cannot_be_read_do_not_lose_the_others(photographs):
    table = photographs / "labels.csv"
    table.write_text(table.read_text() + "gone.png,sad\nbroken.png,fear\n")
    (photographs / "images" / "broken.png").write_bytes(b"no picture")
    done = CliRunner().invoke(app, ["evaluate", "--data", str(photographs)])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["n"], found["missed"]) == (3, 1)
    assert [failure["name"] for failure in found["failures"]] == ["gone.png", "broken.png"]
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["gone.png", "broken.png"]
    table.write_text("image,emotion\ngone.png,sad\n")
    with pytest.raises(InputError, match=r"no photograph that can be read; the first: .*gone\.png"):
        evaluate_photographs(photographs)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image,emotion\na.jpg\n", "line 2 .* has 1 cells, not 2"),
        ("image;emotion\na.jpg;sad\n", "no column image, but: image;emotion"),
        ("image,emotion\n\na.jpg,glad\n", "line 3 .*unknown emotion 'glad'"),
        ("image,emotion\na.jpg,sad\nb.jpg,sad\n./a.jpg,fear\n", "line 4 .* names './a.jpg' again"),
        ("", "no column image, but: none"),
        ("image,emotion\n", "names no photograph that can be read"),
    ],
)
def test_photographs_without_labels(tmp_path, text, sentence):
    with pytest.raises(InputError, match=r"labels\.csv is missing"):
        evaluate_photographs(tmp_path)
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8-sig")
    with pytest.raises(InputError, match=sentence):
        evaluate_photographs(tmp_path)
