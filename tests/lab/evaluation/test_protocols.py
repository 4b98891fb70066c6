"""The command on tiny collections, with the weights that ship."""

import csv
import json
import re
import shutil

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

pytest.importorskip("sklearn")

from mien.core.errors import InputError
from mien_lab.cli import app
from mien_lab.data.fer2013 import load_fer
from mien_lab.evaluation.crops import read_crops
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.protocols import Request, evaluate_collection

FEW = Bootstrap(20)


def run(*arguments):
    done = CliRunner().invoke(app, ["evaluate", "--resamples", "20", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def collection(tmp_path_factory, portrait):
    """Two portraits of two people, a wall, what is no picture, and a missing file."""
    folder = tmp_path_factory.mktemp("collection")
    for name, image in {
        "a.png": portrait,
        "b.png": np.ascontiguousarray(portrait[:, ::-1]),
        "wall.png": np.full((150, 150, 3), 128, np.uint8),
    }.items():
        PIL.Image.fromarray(image).save(folder / name)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "manifest.csv").write_text(
        "image,label,split,subject\na.png,happy,test,x\nb.png,neutral,test,y\n"
        "wall.png,sad,test,x\nbroken.jpg,sad,test,x\ngone.jpg,fear,test,y\n"
        "a2.png,sad,train,x\nunknown.png,,test,\n"
    )
    return folder


def test_a_manifest_end_to_end(collection, tmp_path):
    out, page, figures = tmp_path / "out.csv", tmp_path / "page.html", tmp_path / "figures.json"
    done = run(
        *("--data", collection, "--split", "test", "--json", figures),
        *("--predictions", out, "--report", page),
    )
    assert done.exit_code == 0
    found = json.loads(figures.read_text())
    assert (found["layout"], found["split"], found["read"]) == ("manifest", "test", "photographs")
    assert [found[name] for name in ("samples", "unlabelled", "failed", "n", "missed")] == [
        6, 1, 2, 3, 1,
    ]  # fmt: skip
    assert [failure["name"] for failure in found["failures"]] == ["broken.jpg", "gone.jpg"]
    assert "broken.jpg" in done.stderr
    assert "gone.jpg" in done.stderr
    assert "subjects drawn whole" in found["intervals"]["method"]
    assert found["without_subject"] == 0
    assert {"figure": "per_class.contempt.recall", "reason": "no case has this label"} in found[
        "not_computed"
    ]
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ["a.png", "b.png", "wall.png"]
    assert rows[0]["label"] == "happiness"
    assert rows[2]["label"] == ""
    text = page.read_text()
    assert "gone.jpg" in text
    assert text.count("<svg") == 4

    again = json.loads(run("--data", collection / "manifest.csv", "--against", out).stdout)
    assert again["comparison"]["n"] == 3
    assert again["comparison"]["difference"] == 0
    assert again["comparison"]["mcnemar_exact_p"] == 1
    assert (again["split"], again["splits"], again["failed"]) == ("test", {"test": 5}, 2)


def test_crops_or_photographs(collection):
    found = evaluate_collection(
        Request(collection, split="test", whole=False, bootstrap=FEW)
    ).figures
    assert (found["read"], found["n"], found["missed"]) == ("crops", 3, 0)


def test_both_protocols_have_all_figures(fer_folder, tmp_path):
    out, page = tmp_path / "out.csv", tmp_path / "page.html"
    done = run("--data", fer_folder, "--predictions", out, "--report", page)
    found = json.loads(done.stdout)
    before = read_crops(fer_folder, precision="int8").figures
    assert found["split"] == "PrivateTest"
    for name in ("fer2013", "ferplus"):
        for figure in ("n", "accuracy", "accuracy_flip", "confusion"):
            assert found[name][figure] == before[name][figure]
        assert {"roc_auc", "intervals", "weighted_f1", "aurc", "risk_coverage"} <= set(found[name])
        assert found[name]["macro_f1"] == pytest.approx(before[name]["macro_f1"])
        for ending in ("", "_single", "_flip"):
            low, high = found[name]["intervals"]["values"][f"accuracy{ending}"]
            assert low <= found[name][f"accuracy{ending}"] <= high
    rows = re.findall(r"<th scope=.row.>(Accuracy at one size.*?)</tr>", page.read_text())
    assert len([row for row in rows if " to " in row]) == len(rows) == 4
    assert found["fer2013"]["conformal_coverage"] is None
    again = json.loads(run("--data", fer_folder, "--against", out).stdout)
    assert again["ferplus"]["comparison"]["difference"] == 0
    assert again["fer2013"]["comparison"]["n"] == found["fer2013"]["n"]
    assert again["fer2013"]["comparison"]["only_in_the_other"] == 0
    interval = found["fer2013"]["intervals"]["values"]["accuracy"]
    assert found["fer2013"]["accuracy_interval"] == interval
    half = [line for line in out.read_text().splitlines() if not line.startswith("fer2013/")]
    (tmp_path / "half.csv").write_text("\n".join(half) + "\n")
    done = run("--data", fer_folder, "--against", tmp_path / "half.csv")
    partly = json.loads(done.stdout)
    assert partly["ferplus"]["comparison"]["difference"] == 0
    assert "comparison" not in partly["fer2013"]
    assert partly["not_compared"] == ["fer2013"]
    assert "half.csv names no case of fer2013; not compared" in done.stderr
    assert page.read_text().count("<svg") == 8
    explicit = json.loads(run("--data", fer_folder, "--layout", "fer+").stdout)
    assert explicit["layout"] == "fer+"
    assert explicit["splits"]["PrivateTest"] == 6


def test_what_cannot_be_evaluated_says_so(tmp_path):
    (tmp_path / "manifest.csv").write_text("image,label\na.png,\n")
    with pytest.raises(InputError, match="none of the 1 pictures"):
        evaluate_collection(Request(tmp_path))
    (tmp_path / "manifest.csv").write_text("image,label\na.png,sad\n")
    with pytest.raises(InputError, match=r"none of the 1 labelled .* the first: .*a\.png does not"):
        evaluate_collection(Request(tmp_path, bootstrap=FEW))


def test_predictions_of_other_cases_are_refused_before_anything_is_read(tmp_path, monkeypatch):
    (tmp_path / "manifest.csv").write_text("image,label\na.png,sad\n")
    monkeypatch.setattr("mien_lab.evaluation.protocols.predict", None)
    with pytest.raises(InputError, match=r"name none of the cases; .* such as a\.png"):
        evaluate_collection(Request(tmp_path, against={"b.png": None}))


def test_a_layout_that_is_named_is_measured_on_the_test_split_too(fer_folder):
    rows = load_fer(fer_folder).rows("PrivateTest")
    found = evaluate_collection(Request(fer_folder, "fer2013", bootstrap=FEW)).figures
    assert found["fer2013"]["n"] == len(rows)
    found = evaluate_collection(Request(fer_folder, "fer+", bootstrap=FEW)).figures
    assert 0 < found["n"] <= len(rows)


@pytest.mark.parametrize("layout", ["auto", "fer2013", "FER2013"])
def test_fer2013_is_read_by_its_seven_classes_without_votes_too(fer_folder, tmp_path, layout):
    both = evaluate_collection(Request(fer_folder, bootstrap=FEW)).figures
    shutil.copytree(fer_folder, tmp_path / "alone")
    (tmp_path / "alone" / "fer2013new.csv").unlink()
    found = evaluate_collection(Request(tmp_path / "alone", layout, bootstrap=FEW))
    expected = {name: both[name] for name in both if name != "ferplus"}
    assert found.figures == expected | {"data": "alone"}
    assert len(found.figures["fer2013"]["labels"]) == 7
    assert list(found.cases) == ["FER2013, 7 classes"]


def test_one_nameless_sample_does_not_make_all_subjects_unknown(tmp_path):
    wall = PIL.Image.fromarray(np.full((48, 48), 90, np.uint8))
    rows = []
    for number in range(40):
        wall.save(tmp_path / f"{number}.png")
        label, who = ("sad", "neutral")[number // 20], "" if number == 39 else f"p{number // 10}"
        rows.append(f"{number}.png,{label},{who}")
    (tmp_path / "manifest.csv").write_text("\n".join(["image,label,subject", *rows]) + "\n")
    found = evaluate_collection(Request(tmp_path, bootstrap=FEW))
    (cases,) = found.cases.values()
    assert cases.subjects.tolist() == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 9 + [4]
    assert "subjects drawn whole" in found.figures["intervals"]["method"]
    assert found.figures["without_subject"] == 1
