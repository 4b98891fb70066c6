import csv
import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mien.core.labels import EMOTIONS, Emotion
from mien.core.types import Box
from mien_lab import peer_commands
from mien_lab.cli import app as lab
from mien_lab.evaluation import peer_packages
from mien_lab.evaluation.comparison import read_predictions
from mien_lab.evaluation.peer_packages import Peer, fer_cut, installed_peers
from mien_lab.evaluation.peers import evaluate_peers
from mien_lab.evaluation.shipped import weight_checksums

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


@pytest.fixture
def data(tmp_path):
    """Four rows, dark ones happy and a bright one sad, one contempt in FER+; two photographs."""
    fer, wild = tmp_path / "fer2013", tmp_path / "wild"
    (wild / "images").mkdir(parents=True)
    fer.mkdir()
    rows = [(3, 20, "happiness"), (3, 30, "contempt"), (4, 200, "sadness"), (4, 40, "sadness")]
    with (fer / "fer2013.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["emotion", "pixels", "Usage"])
        for label, grey, _ in rows:
            writer.writerow([label, " ".join([str(grey)] * 48 * 48), "PrivateTest"])
    with (fer / "fer2013new.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Usage", "Image name", *VOTES, "unknown", "NF"])
        for _, _, top in rows:
            votes = [10 * (name == top) for name in VOTES]
            writer.writerow(["PrivateTest", "", *votes, 0, 0])
    with (wild / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["image", "emotion"], ["a.png", "happy"], ["b.png", "sad"]])
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(wild / "images" / name), np.full((100, 100), 20, np.uint8))
    return tmp_path


def brightness_peer(folder: Path, find) -> Peer:
    """Says happiness of dark faces and sadness of bright ones."""
    weights = folder / "fake.bin"
    weights.write_bytes(b"weights")
    return Peer(
        "fake",
        "1.0",
        weights,
        (Emotion.SADNESS, Emotion.HAPPINESS),
        lambda face: cv2.resize(face, (4, 4))[:, :, None] / 255.0,
        lambda inputs: np.stack([inputs.mean((1, 2, 3)), 1 - inputs.mean((1, 2, 3))], axis=1),
        fer_cut,
        find,
    )


def test_a_peer_is_measured_by_both_protocols(data):
    figures = evaluate_peers(data, peers=[brightness_peer(data, None)])["fake"]
    assert (figures["fer2013"]["n"], figures["fer2013"]["accuracy"]) == (4, 0.75)
    assert (figures["ferplus"]["n"], figures["ferplus"]["accuracy"]) == (4, 0.5)
    assert figures["ferplus"]["per_class"]["contempt"]["recall"] == 0
    assert figures["fer2013"]["accuracy_by_input"].keys() == {"raw", "aligned"}
    assert figures["wild"]["own_detector"] is None


def test_a_photograph_without_a_face_is_wrong(data):
    boxes = iter([[Box(20, 20, 40, 40), Box(0, 0, 5, 5)], []])
    peer = brightness_peer(data, lambda picture: next(boxes))
    wild = evaluate_peers(data, peers=[peer])["fake"]["wild"]
    assert (wild["own_detector"]["n"], wild["own_detector"]["missed"]) == (2, 1)
    assert wild["own_detector"]["accuracy"] == 0.5
    assert wild["mien_detector"]["missed"] == wild["mien_crop"]["missed"] == 2


def test_a_photograph_that_cannot_be_read_does_not_lose_the_others(data):
    (data / "wild" / "images" / "b.png").write_bytes(b"no picture")
    wild = evaluate_peers(data, peers=[brightness_peer(data, None)])["fake"]["wild"]
    assert wild["mien_detector"]["n"] == 1
    assert [failure["name"] for failure in wild["failures"]] == ["b.png"]


def test_scores_stand_in_the_one_order(tmp_path):
    scores = brightness_peer(tmp_path, None).scores(np.zeros((130, 9, 7), np.uint8))
    assert scores.shape == (130, 8)
    assert (scores[:, EMOTIONS.index(Emotion.HAPPINESS)] == 1).all()
    assert not scores[:, EMOTIONS.index(Emotion.CONTEMPT)].any()
    assert brightness_peer(tmp_path, None).scores([]).shape == (0, 8)


def test_the_fer_crop_is_square_with_a_margin_beyond_the_picture():
    picture = np.arange(100 * 80, dtype=np.int64).reshape(100, 80).astype(np.uint8)
    cut = fer_cut(picture, Box(20.7, 20.2, 30, 40))
    assert cut.shape == (60, 60)
    assert (cut == picture[10:70, 5:65]).all()
    assert fer_cut(picture, Box(-20, -20, 40, 40)).shape == (60, 60)
    assert fer_cut(picture, Box(-500, 0, 40, 40)).size == 0


def test_without_packages_there_is_nothing_to_measure(data, monkeypatch, caplog):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(peer_packages, "distribution", missing)
    caplog.set_level("INFO")
    assert installed_peers() == []
    assert evaluate_peers(data / "absent") == {}
    assert "no peer is installed" in caplog.text


def test_the_command_prints_mien_beside_the_peers(data, monkeypatch):
    peer = brightness_peer(data, lambda picture: [])
    monkeypatch.setattr(
        peer_commands,
        "evaluate_peers",
        lambda folder, **options: evaluate_peers(folder, peers=[peer], **options),
    )
    app = typer.Typer()
    app.add_typer(peer_commands.app, name="peers")
    target = data / "figures.json"
    labels = data / "labels" / "of peers"
    result = CliRunner().invoke(
        app,
        ["peers", "--data", str(data), "--json", str(target), "--predictions", str(labels)],
    )
    assert result.exit_code == 0, result.output
    header, sizes, mien, fake = result.output.splitlines()
    assert "FER2013" in header
    assert "n=4" in sizes
    assert mien.startswith("mien")
    assert fake.startswith("fake")
    assert (labels / "fake.csv").read_text().splitlines() == [
        "name,label,truth",
        "fer2013/00000,happiness,happiness",
        "fer2013/00001,happiness,happiness",
        "fer2013/00002,sadness,sadness",
        "fer2013/00003,happiness,sadness",
        "ferplus/00000,happiness,happiness",
        "ferplus/00001,happiness,contempt",
        "ferplus/00002,sadness,sadness",
        "ferplus/00003,happiness,sadness",
    ]
    for place in ("own_detector", "mien_detector", "mien_crop"):
        assert read_predictions(labels / f"fake-{place}.csv") == {"a.png": None, "b.png": None}
    against = ["--against", str(labels / "fake.csv")]
    compared = CliRunner().invoke(lab, ["evaluate", "--data", str(data / "fer2013"), *against])
    for protocol, accuracy in (("fer2013", 0.75), ("ferplus", 0.5)):
        comparison = json.loads(compared.stdout)[protocol]["comparison"]
        assert (comparison["n"], comparison["other_accuracy"]) == (4, accuracy)
    figures = json.loads(target.read_text())
    assert figures["peers"]["fake"]["fer2013"]["n"] == 4
    assert figures["weights"].keys() == {"detector.onnx", "refiner.onnx", "landmarks.onnx"}
    assert figures["weights"].items() <= weight_checksums().items()
