"""What `mien-lab` says when something is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien_lab import cli
from mien_lab.__main__ import main


def run(monkeypatch, *arguments):
    """The sentence on stderr."""
    monkeypatch.setattr(sys, "argv", ["mien-lab", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_a_missing_extra_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    said = run(monkeypatch, "train", "--data", tmp_path, "--run", tmp_path / "run")
    assert said.startswith("mien-lab: this command needs torch, which is not installed; run pip")


def test_a_lab_without_its_extra_is_one_sentence():
    code = "import sys; sys.modules['sklearn'] = None; from mien_lab.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("mien-lab: this command needs sklearn, which is not installed;")
    assert done.stderr.count("\n") == 1


def test_a_fault_of_our_own_is_not_hidden(monkeypatch, tmp_path):
    name = "mien_lab.training.expression"
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys, "argv", ["mien-lab", "train", "--data", ".", "--run", "r"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModuleNotFoundError):
        main()


def test_a_failed_check_of_an_export_is_one_sentence(monkeypatch, tmp_path):
    export = pytest.importorskip("mien_lab.training.expression_export")
    parity_error = pytest.importorskip("mien_lab.training.weight_files").ParityError

    def differs(*_, **__):
        raise parity_error("expression.onnx", 0.5, 0.005)

    monkeypatch.setattr(export, "export_expression", differs)
    said = run(monkeypatch, "export", "--data", tmp_path, "--run", tmp_path, "--out", tmp_path)
    assert said.startswith("mien-lab: expression.onnx differs from the trained network by 0.5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "module", "function"),
    [
        ("train", "expression", "train_expression"),
        ("detector train", "detector", "train_detector"),
        ("detector refine", "refiner", "train_refiner"),
        ("detector place", "landmarks", "train_landmarks"),
        ("temporal train", "temporal", "train_temporal"),
    ],
)
def test_every_training_takes_a_rate(monkeypatch, command, module, function):
    """What a loss that is no number advises."""
    torch = pytest.importorskip("torch")
    rates = []

    def begin(config, *_, **__):
        rates.append(config.rate)
        return Path("last.pt")

    monkeypatch.setattr(f"mien_lab.training.{module}.{function}", begin)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    options = ["--data", "data", "--run", "run", "--rate", "0.00123"]
    done = CliRunner().invoke(cli.app, [*command.split(), *options])
    assert done.exit_code == 0, done.output
    assert rates == [0.00123]


@pytest.mark.parametrize(
    "command",
    [
        "train --epochs 0",
        "train --threads -1",
        "temporal train --epochs 0",
        "temporal train --seed -1",
        "detector train --seed -1",
        "detector train --epochs 0",
        "detector refine --epochs -1",
        "detector place --epochs 0",
    ],
)
def test_a_training_that_cannot_be_is_refused(command, tmp_path):
    options = ["--data", str(tmp_path), "--run", str(tmp_path / "run")]
    done = CliRunner().invoke(cli.app, [*command.split(), *options])
    assert done.exit_code == 2, done.output
    assert list(tmp_path.iterdir()) == []


def test_what_is_taught_can_be_written_or_nothing_is_read(monkeypatch, tmp_path):
    teachers = pytest.importorskip("mien_lab.training.teachers")
    monkeypatch.setattr(teachers, "teach", lambda *_: pytest.fail("read"))
    out = tmp_path / "nowhere" / "taught.npz"
    said = run(monkeypatch, "teach", "--data", tmp_path, "--run", tmp_path, "--out", out)
    assert "since there is no folder" in said


def test_a_missing_file_is_one_sentence(monkeypatch, tmp_path):
    said = run(monkeypatch, "clean", "--data", tmp_path / "nothing")
    assert said.startswith("mien-lab: ")
    assert "nothing" in said


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "--json"),
        ("robustness", "--json"),
        ("robustness", "--report"),
        ("tradeoff", "--json"),
        ("clean", "--json"),
        ("clean", "--drops"),
        ("copies", "--out"),
        ("limits", "--json"),
        ("peers", "--json"),
        ("tracking", "evaluate", "--json"),
        ("detector", "evaluate", "--json"),
        ("temporal", "evaluate", "--run", "nothing", "--json"),
        ("figures", "measure", "--json"),
    ],
)
def test_a_missing_folder_is_told_before_anything_is_read(monkeypatch, tmp_path, command):
    *names, option = command
    target = tmp_path / "nowhere" / "out.svg"
    said = run(monkeypatch, *names, "--data", tmp_path / "nothing", option, target)
    assert said.endswith(f"there is no folder {target.parent}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory; check the path"),
        ("{nope", "is not JSON"),
        ("[1]", "holds no figures by name"),
        ("{}", "name no weights; run `mien-lab figures measure`"),
    ],
)
def test_figures_that_cannot_be_added_to(monkeypatch, tmp_path, text, sentence):
    figures, more = tmp_path / "figures.json", tmp_path / "more.json"
    more.write_text("{}")
    if text is not None:
        figures.write_text(text)
    assert sentence in run(monkeypatch, "figures", "add", more, "--json", figures)
