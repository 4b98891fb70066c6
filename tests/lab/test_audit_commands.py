import json
import shutil
from dataclasses import asdict, replace
from functools import partial

import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien.runtime.artifact import read_cards, weights_folder
from mien_lab.cli import app
from mien_lab.data.corruptions import CORRUPTIONS
from mien_lab.evaluation.robustness import measure_robustness


@pytest.fixture
def blind(tmp_path):
    """Weights, in fp32 alone, whose detector hardly calls anything a face."""
    folder = tmp_path / "weights"
    for card in read_cards(weights_folder()):
        if card.precision == "fp32":
            folder.mkdir(exist_ok=True)
            shutil.copyfile(weights_folder() / card.file, folder / card.file)
            shy = replace(card, extra=card.extra | {"threshold": 0.9999})
            (folder / f"{card.name}.json").write_text(json.dumps(asdict(shy)))
    return folder


@pytest.mark.parametrize("command", ["robustness", "audit"])
def test_faces_are_found_with_the_weights_that_are_given(blind, tmp_path, portrait_file, command):
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    shutil.copyfile(portrait_file, data / "images" / "a.jpg")
    (data / "labels.csv").write_text("image,emotion\na.jpg,happiness\n")
    options = ["--data", str(data), "--weights", str(blind), "--precision", "fp32"]
    result = CliRunner().invoke(app, [command, *options])
    assert isinstance(result.exception, InputError), result.output
    assert "a readable face" in str(result.exception)


@pytest.mark.parametrize(
    ("command", "layout", "votes"), [("robustness", "auto", False), ("audit", "FER2013", True)]
)
def test_labels_that_mien_does_not_read_are_told(
    fer_folder, tmp_path, monkeypatch, command, layout, votes
):
    folder = shutil.copytree(fer_folder, tmp_path / "fer")
    if not votes:
        (folder / "fer2013new.csv").unlink()
    monkeypatch.setattr(
        "mien_lab.evaluation.robustness.measure_robustness",
        partial(measure_robustness, peers=[], corruptions=CORRUPTIONS[:1]),
    )
    options = [command, "--data", folder, "--layout", layout, "--draws", 100]
    result = CliRunner().invoke(app, [*map(str, options), "--json", str(tmp_path / "f.json")])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["layout"] == "fer2013"
    (note,) = (note for note in figures["notes"] if "FER2013's own" in note)
    assert note in result.output.splitlines()
