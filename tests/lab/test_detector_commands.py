import json

import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien_lab import cli


@pytest.mark.parametrize(("given", "written"), [(["--threshold", "0"], 0.0), ([], 0.5)])
def test_a_threshold_is_taken_as_it_is_given(monkeypatch, tmp_path, given, written):
    thresholds = []
    for module in ("detector_export.export_detector", "landmarks_export.export_landmarks"):
        monkeypatch.setattr(f"mien_lab.training.{module}", lambda *_, **__: None)
    monkeypatch.setattr(
        "mien_lab.training.refiner_export.export_refiner",
        lambda *_, threshold, **__: thresholds.append(threshold),
    )
    monkeypatch.setattr(
        "mien_lab.evaluation.detector_threshold.choose_threshold", lambda *_: {"threshold": 0.93}
    )
    files = ["a.pt", "b.pt", "c.pt", "--data", "data", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, ["detector", "export", *files, *given])
    assert done.exit_code == 0, done.output
    assert thresholds == ([written] if given else [written, 0.93])


def test_an_export_is_written_whole_or_not_at_all(tmp_path):
    torch = pytest.importorskip("torch")
    from mien_lab.training.detector_net import DetectorNet
    from mien_lab.training.landmarks_net import LandmarksNet
    from mien_lab.training.refiner_net import RefinerNet

    nets = {"detector": DetectorNet(), "refiner": RefinerNet(), "landmarks": LandmarksNet()}
    files = {name: str(tmp_path / f"{name}.pt") for name in nets}
    for name, net in nets.items():
        torch.save({"average": net.state_dict()}, files[name])
    out = tmp_path / "out"

    def export(*names):
        given = [files[name] for name in names]
        options = ["--data", "data", "--out", str(out), "--threshold", "0.6"]
        return CliRunner().invoke(cli.app, ["detector", "export", *given, *options])

    swapped = export("detector", "landmarks", "refiner")
    assert isinstance(swapped.exception, InputError)
    assert "refiner.pt is not a checkpoint of a LandmarksNet; check" in str(swapped.exception)
    assert not out.exists()
    done = export("detector", "refiner", "landmarks")
    assert done.exit_code == 0, done.output
    written = {f"{name}.{kind}" for name in nets for kind in ("onnx", "json")}
    assert {file.name for file in out.iterdir()} == written
    assert json.loads((out / "refiner.json").read_text())["extra"]["threshold"] == 0.6
