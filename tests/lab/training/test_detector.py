import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien.pipeline.build import Config, build_detector  # noqa: E402
from mien_lab.data.centerface import is_installed  # noqa: E402
from mien_lab.evaluation.detector_threshold import choose_threshold  # noqa: E402
from mien_lab.training import detector as detector_training  # noqa: E402
from mien_lab.training.detector import DetectorConfig, train_detector  # noqa: E402
from mien_lab.training.detector_export import export_detector  # noqa: E402
from mien_lab.training.landmarks import LandmarksConfig, train_landmarks  # noqa: E402
from mien_lab.training.landmarks_export import export_landmarks  # noqa: E402
from mien_lab.training.refiner import RefinerConfig, train_refiner  # noqa: E402
from mien_lab.training.refiner_export import export_refiner  # noqa: E402


def test_a_resumed_detector_is_the_one_of_an_unbroken_run(data_dir, tmp_path, break_off):
    settings = {"steps_per_epoch": 2, "batch": 4, "size": 96, "workers": 0}
    config = DetectorConfig(data_dir, epochs=3, mine_every=2, **settings)
    whole = torch.load(train_detector(config, tmp_path / "whole"), weights_only=True)
    parted = tmp_path / "parted"
    break_off(lambda: train_detector(config, parted))
    resumed = torch.load(train_detector(config, parted, resume=True), weights_only=True)
    for name, value in whole["net"].items():
        assert torch.equal(value, resumed["net"][name]), name


def test_a_loss_that_is_no_number_keeps_the_checkpoint(data_dir, tmp_path, monkeypatch, break_off):
    settings = {"steps_per_epoch": 2, "batch": 4, "size": 96, "workers": 0}
    config = DetectorConfig(data_dir, epochs=2, **settings)
    break_off(lambda: train_detector(config, tmp_path / "run"))
    before = (tmp_path / "run" / "last.pt").read_bytes()
    total = detector_training._total
    with monkeypatch.context() as patched:
        patched.setattr(detector_training, "_total", lambda *losses: total(*losses) * float("nan"))
        with pytest.raises(FloatingPointError, match=r"nan in epoch 2, step 1; .* lower --rate"):
            train_detector(config, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "last.pt").read_bytes() == before
    # What the error advises: another folder, a lower rate, from what was kept.
    lower = replace(config, rate=1e-4, warm_start=tmp_path / "run" / "last.pt")
    again = train_detector(lower, tmp_path / "again")
    assert torch.load(again, weights_only=True)["epoch"] == 2


def test_train_resume_export_detect(data_dir, drawn_face, tmp_path, break_off):
    run = tmp_path / "run"
    settings = {"steps_per_epoch": 2, "batch": 4, "size": 96, "workers": 0}
    config = DetectorConfig(data_dir, epochs=2, **settings)
    break_off(lambda: train_detector(config, run))
    with pytest.raises(OutputError):
        train_detector(config, run)
    with pytest.raises(InputError, match="was begun with epochs 2; resume with the same options"):
        train_detector(replace(config, epochs=3), run, resume=True)
    other = replace(config, second_teacher=not config.second_teacher)
    with pytest.raises(InputError, match=f"was begun with second_teacher {is_installed()}; resume"):
        train_detector(other, run, resume=True)
    checkpoint = train_detector(config, run, resume=True)
    curve = [json.loads(line) for line in (run / "curve.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in curve] == [1, 2]
    weights = tmp_path / "weights"
    target = export_detector(checkpoint, weights)
    assert target.stat().st_size < 400_000
    settings = {"scenes": 12, "size": 96, "batch": 4, "detector_weights": weights}
    refining, second = RefinerConfig(data_dir, epochs=2, **settings), tmp_path / "second"
    break_off(lambda: train_refiner(refining, second))
    with pytest.raises(OutputError):
        train_refiner(refining, second)
    first = train_refiner(refining, second, resume=True)
    with pytest.raises(InputError, match="was begun with second_teacher"):
        train_refiner(
            replace(refining, second_teacher=not refining.second_teacher), second, resume=True
        )
    again = RefinerConfig(data_dir, epochs=1, warm_start=first, **settings)
    third = train_refiner(again, tmp_path / "third")
    target = export_refiner([first, third], weights, threshold=0.6)
    assert target.stat().st_size < 540_000
    placing = LandmarksConfig(data_dir, epochs=2, steps=3, batch=20)
    export_landmarks(train_landmarks(placing, tmp_path / "fourth"), weights)
    detector = build_detector(Config(threads=1, weights=weights))
    assert detector.threshold == 0.6
    assert isinstance(detector.detect(drawn_face(96).image), list)
    assert set(choose_threshold(data_dir, weights)["table"]) == {"train"}
