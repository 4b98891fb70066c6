import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien.vision.landmarks import LandmarkPlacer  # noqa: E402
from mien_lab.training import landmarks  # noqa: E402
from mien_lab.training.landmarks import (  # noqa: E402
    LandmarksConfig,
    train_landmarks,
    upright_faces,
)
from mien_lab.training.landmarks_export import export_landmarks  # noqa: E402


def landmarks_run(data_dir, folder, **settings):
    config = LandmarksConfig(data_dir, **{"epochs": 2, "steps": 3, "batch": 20, **settings})
    return train_landmarks(config, folder)


def test_a_resumed_training_of_landmarks_is_the_one_of_an_unbroken_run(
    data_dir, tmp_path, break_off
):
    whole = torch.load(landmarks_run(data_dir, tmp_path / "whole"), weights_only=True)
    break_off(lambda: landmarks_run(data_dir, tmp_path / "parted"))
    with pytest.raises(OutputError):
        landmarks_run(data_dir, tmp_path / "parted")
    config = LandmarksConfig(data_dir, epochs=2, steps=3, batch=20)
    resumed = torch.load(
        train_landmarks(config, tmp_path / "parted", resume=True), weights_only=True
    )
    for name, value in whole["net"].items():
        assert torch.equal(value, resumed["net"][name]), name
    assert whole["epoch"] == resumed["epoch"] == 2


def test_landmarks_are_learned_exported_and_placed(data_dir, drawn_face, tmp_path):
    settings = {"epochs": 3, "steps": 60, "batch": 40}
    checkpoint = landmarks_run(data_dir, tmp_path / "run", **settings)
    curve = (tmp_path / "run" / "curve.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in curve]
    assert losses[-1] < 0.6 * losses[0]
    target = export_landmarks(checkpoint, tmp_path / "weights", version="3")
    assert target.stat().st_size < 130_000
    session = open_session("landmarks", threads=1, folder=tmp_path / "weights")
    assert session.card.version == "3"
    face = drawn_face(96)
    eyes = float(np.linalg.norm(face.points[0, 0] - face.points[0, 1]))
    moved = face.points[0] + np.array([[0.1, 0], [-0.1, 0.1], [0, -0.1], [0.1, 0], [0, 0.1]]) * eyes
    found = LandmarkPlacer(session).place(face.image, moved.reshape(1, 10).astype(np.float32))
    before, after = (np.abs(p.reshape(5, 2) - face.points[0]).mean() for p in (moved, found))
    assert after < 0.8 * before


def test_moved_crops_keep_the_landmarks_on_the_face(drawn_face):
    """A dot drawn at each landmark is dark there in the crop too."""
    torch.manual_seed(0)
    faces = upright_faces([drawn_face(96)] * 8)
    crops, points = landmarks._moved(faces.canvases.float(), faces.points)
    assert crops.shape == (8, 1, 64, 64)
    assert (points[1:] - points[:1]).abs().max() > 1
    for crop, five in zip(crops[:, 0], points, strict=True):
        for x, y in five.round().long():
            assert crop[y, x] < 90 < crop[y + 5, x + 5]


def test_without_a_sure_face_no_landmarks_are_learned(data_dir, tmp_path):
    table = data_dir / "scenes" / "faces.csv"
    table.write_text(table.read_text().partition("\n")[0] + "\n")
    with pytest.raises(InputError, match="no sure face among the scenes of"):
        landmarks_run(data_dir, tmp_path / "run")
