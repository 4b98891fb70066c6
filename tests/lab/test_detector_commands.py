import pytest
from typer.testing import CliRunner

from mien_lab import cli


@pytest.mark.parametrize(("given", "written"), [(["--threshold", "0"], 0.0), ([], 0.5)])
def test_a_threshold_is_taken_as_it_is_given(monkeypatch, given, written):
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
    files = ["a.pt", "b.pt", "c.pt", "--data", "data", "--out", "out"]
    done = CliRunner().invoke(cli.app, ["detector", "export", *files, *given])
    assert done.exit_code == 0, done.output
    assert thresholds == ([written] if given else [written, 0.93])
