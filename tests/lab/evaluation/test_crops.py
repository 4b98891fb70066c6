import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien.models.calibration import softmax
from mien.runtime.artifact import weights_folder
from mien_lab.cli import app
from mien_lab.data.fer2013 import FER_LABELS, load_fer, majority
from mien_lab.evaluation import crops
from mien_lab.evaluation.cases import Cases, all_figures
from mien_lab.evaluation.crops import read_crops
from mien_lab.evaluation.intervals import Bootstrap


@pytest.fixture(scope="module")
def figures(fer_folder):
    return read_crops(fer_folder, precision="fp32").figures


def test_both_protocols(figures, fer_folder):
    data = load_fer(fer_folder)
    rows = data.rows("PrivateTest")
    assert (figures["split"], figures["precision"]) == ("PrivateTest", "fp32")
    assert figures["fer2013"]["n"] == len(rows)
    assert figures["ferplus"]["n"] == (majority(data.votes[rows]) >= 0).sum()
    for name, labels in (("fer2013", FER_LABELS), ("ferplus", EMOTIONS)):
        found = figures[name]
        assert list(found["per_class"]) == [label.value for label in labels]
        assert np.array(found["confusion"]).shape == (len(labels), len(labels))
        hits = np.trace(np.array(found["confusion"]))
        assert found["accuracy"] == pytest.approx(hits / found["n"])
        for way in ("single", "flip"):
            assert 0 <= found[f"accuracy_{way}"] <= 1
            assert {f"macro_f1_{way}", f"macro_recall_{way}"} <= found.keys()
        low, high = found["accuracy_interval"]
        assert low <= found["accuracy"] <= high
    for name in ("expected_calibration_error", "conformal_coverage"):
        assert 0 <= figures["ferplus"][name] <= 1
    assert 1 <= figures["ferplus"]["conformal_mean_size"] <= 8
    assert json.loads(json.dumps(figures)) == figures


def test_all_ways_to_read_have_intervals_of_the_same_draws(drawn):
    (still, truth), (single, _), (mirrored, _) = (drawn(300, seed) for seed in range(3))
    outputs = ({"logits": logits} for logits in (still, single + still, mirrored + still))
    split = crops._Split(truth, truth, *outputs)
    few, everything = Bootstrap(100, seed=3), np.ones(300, bool)
    found = crops._figures(split, "logits", truth, everything, EMOTIONS, few)
    assert (found["intervals"]["resamples"], found["intervals"]["seed"]) == (100, 3)
    values = found["intervals"]["values"]
    assert found["accuracy_interval"] == values["accuracy"]
    for ending in ("", "_single", "_flip"):
        for name in crops.COMPARED:
            low, high = values[f"{name}{ending}"]
            assert low < found[f"{name}{ending}"] < high
    names, labels = tuple(map(str, range(300))), tuple(map(str, EMOTIONS))
    alone = all_figures(Cases(names, truth, softmax(single + still), labels), few)
    for name in crops.COMPARED:
        assert values[f"{name}_single"] == pytest.approx(alone["intervals"]["values"][name])


def test_other_splits(fer_folder):
    found = read_crops(fer_folder, precision="int8", split="PublicTest").figures
    assert (found["split"], found["precision"]) == ("PublicTest", "int8")
    assert found["fer2013"]["n"] == 6


def test_rows_without_a_majority_do_not_count(write_rows, row, picture):
    rows = [
        row(picture(0), split="PrivateTest"),
        row(picture(1), split="PrivateTest", votes={"NF": 10}),
        row(picture(2), split="PrivateTest", votes={"fear": 5, "sadness": 5}),
    ]
    found = read_crops(write_rows(rows), precision="fp32").figures
    assert (found["fer2013"]["n"], found["ferplus"]["n"]) == (3, 1)
    nobody = read_crops(write_rows(rows[1:]), precision="fp32").figures["ferplus"]
    assert (nobody["n"], nobody["expected_calibration_error"]) == (0, None)


def test_figures_of_votes_are_not_made_where_there_are_none(fer_folder, tmp_path, monkeypatch):
    folder = shutil.copytree(fer_folder, tmp_path / "alone")
    (folder / "fer2013new.csv").unlink()
    figures, made = crops._figures, []
    monkeypatch.setattr(crops, "_figures", lambda *some: made.append(some[1]) or figures(*some))
    found = read_crops(folder, precision="int8", voted=False)
    assert made == ["fer_logits"]
    assert "ferplus" not in found.figures
    assert list(found.cases) == ["fer2013"]


@pytest.mark.parametrize("split", ["Test", "Training2", ""])
def test_unknown_splits(fer_folder, split):
    with pytest.raises(InputError, match="PublicTest"):
        read_crops(fer_folder, precision="fp32", split=split)


def test_the_command(fer_folder, tmp_path):
    arguments = ["evaluate", "--data", str(fer_folder), "--precision", "fp32"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert {"fer2013", "ferplus"} <= found.keys()
    assert {"n", "accuracy", "accuracy_flip", "macro_f1", "per_class", "confusion"} <= found[
        "fer2013"
    ].keys()
    out = tmp_path / "figures.json"
    assert CliRunner().invoke(app, [*arguments, "--json", str(out)]).stdout == ""
    assert json.loads(out.read_text()) == found


def test_the_command_with_other_weights(fer_folder, tmp_path):
    for path in weights_folder().iterdir():
        shutil.copy(path, tmp_path)
    arguments = ["evaluate", "--data", str(fer_folder), "--weights", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    (tmp_path / "expression-int8.onnx").write_bytes(b"")
    assert CliRunner().invoke(app, [*arguments, "--precision", "int8"]).exit_code != 0
