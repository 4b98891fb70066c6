"""What `mien-lab` says when something is wrong."""

import sys

import pytest

from mien_lab import cli


def run(monkeypatch, *arguments):
    """The sentence on stderr."""
    monkeypatch.setattr(sys, "argv", ["mien-lab", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


def test_a_missing_extra_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    said = run(monkeypatch, "train", "--data", tmp_path, "--run", tmp_path / "run")
    assert said.startswith("mien-lab: this command needs torch, which is not installed; run pip")


def test_a_fault_of_our_own_is_not_hidden(monkeypatch, tmp_path):
    name = "mien_lab.training.expression"
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys, "argv", ["mien-lab", "train", "--data", ".", "--run", "r"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_a_failed_check_of_an_export_is_one_sentence(monkeypatch, tmp_path):
    export = pytest.importorskip("mien_lab.training.export")
    parity_error = pytest.importorskip("mien_lab.training.weight_files").ParityError

    def differs(*_, **__):
        raise parity_error("expression.onnx", 0.5, 0.005)

    monkeypatch.setattr(export, "export_expression", differs)
    said = run(monkeypatch, "export", "--data", tmp_path, "--run", tmp_path, "--out", tmp_path)
    assert said.startswith("mien-lab: expression.onnx differs from the trained network by 0.5")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_one_sentence(monkeypatch, tmp_path):
    said = run(monkeypatch, "clean", "--data", tmp_path / "nothing")
    assert said.startswith("mien-lab: ")
    assert "nothing" in said
