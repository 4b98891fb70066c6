import json
import shutil
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.models.calibration import prediction_sets
from mien.models.expression import ExpressionClassifier
from mien.runtime.artifact import load_artifact
from mien.runtime.session import open_session
from mien_lab import audit_commands
from mien_lab.cli import app
from mien_lab.data.corruptions import CORRUPTIONS
from mien_lab.data.samples import Sample
from mien_lab.evaluation import peer_packages
from mien_lab.evaluation.cases import Cases, all_figures
from mien_lab.evaluation.curves import curve_sheet
from mien_lab.evaluation.face_crops import cut_faces
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.metrics import wilson_interval
from mien_lab.evaluation.peer_packages import Peer
from mien_lab.evaluation.photograph_robustness import PHOTOGRAPHIC
from mien_lab.evaluation.robustness import measure_robustness

SOME = tuple(c for c in CORRUPTIONS if c.name in ("darkness", "blur", "half"))


@pytest.fixture(scope="module")
def faces(module_picture):
    return cut_faces(
        [
            Sample(str(seed), EMOTIONS[seed % 8], pixels=module_picture(seed), cropped=True)
            for seed in range(16)
        ]
    )


@pytest.fixture(scope="module")
def module_picture():
    def make(seed):
        return (
            np.random.default_rng(seed)
            .integers(30 + 7 * seed, 100 + 7 * seed, (48, 48))
            .astype(np.uint8)
        )

    return make


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """Says happiness of bright crops and sadness of dark ones."""
    weights = tmp_path_factory.mktemp("peer") / "fake.bin"
    weights.write_bytes(b"weights")
    return Peer(
        "fake",
        "1.0",
        weights,
        (Emotion.HAPPINESS, Emotion.SADNESS),
        lambda face: face[:, :, None] / 255.0,
        lambda inputs: np.stack([inputs.mean((1, 2, 3)), np.full(len(inputs), 0.4)], axis=1),
        lambda picture, box: picture,
        None,
    )


@pytest.fixture(scope="module")
def figures(faces, peer):
    return measure_robustness(
        faces, precision="int8", peers=[peer], corruptions=SOME, draws=50, seed=1
    )


def test_the_summary_is_the_mean_of_its_parts(figures, faces):
    mien = figures["readers"]["mien"]
    clean = mien["clean"]["accuracy"]
    shares = [row["accuracy"] / clean for curve in mien["curves"].values() for row in curve]
    assert len(shares) == 15
    assert mien["relative_accuracy"] == pytest.approx(np.mean(shares), abs=1e-3)
    by_kind = mien["relative_accuracy_by_kind"]
    assert by_kind.keys() == {"light", "detail", "occlusion"}
    assert np.mean(list(by_kind.values())) == pytest.approx(mien["relative_accuracy"], abs=1e-3)
    low, high = mien["relative_accuracy_interval"]
    assert low <= mien["relative_accuracy"] <= high
    assert json.loads(json.dumps(figures)) == figures


def test_each_condition_says_how_far_to_trust_it(figures, faces):
    classifier = ExpressionClassifier(open_session("expression", precision="int8"))
    (half,) = [corruption for corruption in SOME if corruption.name == "half"]
    pairs = zip(faces.crops, faces.names, strict=True)
    damaged = np.stack([half.apply(crop, 5, seed=1, name=name) for crop, name in pairs])
    probabilities = classifier.classify(damaged).probabilities.astype(np.float64)
    labels = tuple(map(str, EMOTIONS))
    quantile = load_artifact("expression", "int8").card.number("conformal_quantile")
    sets = prediction_sets(probabilities, quantile)
    cases = Cases(faces.names, faces.truth, probabilities, labels, sets)
    row = figures["readers"]["mien"]["curves"]["half"][4]
    expected = all_figures(cases, Bootstrap(1))
    for name in ("expected_calibration_error", "conformal_coverage", "conformal_mean_size"):
        assert row[name] == pytest.approx(expected[name], abs=1e-4), name
    for name in ("roc_auc_macro", "macro_f1", "weighted_f1"):
        assert row[name] == pytest.approx(expected[name], abs=1e-4), name
    for label in {str(EMOTIONS[index]) for index in faces.truth}:
        for name in ("precision", "recall", "f1"):
            value = expected["per_class"][label][name]
            assert row[f"per_class.{label}.{name}"] == pytest.approx(value, abs=1e-4)
    low, high = row["accuracy_interval"]
    assert low <= row["accuracy"] <= high
    fake = figures["readers"]["fake"]
    trust = {"expected_calibration_error", "conformal_coverage", "conformal_mean_size"}
    assert fake["clean"].keys() == row.keys() - trust
    assert fake["damaged"].keys() == fake["clean"].keys() - {"accuracy_interval"}


def test_the_curves_are_of_the_network_that_ships(figures, faces):
    classifier = ExpressionClassifier(open_session("expression", precision="int8"))
    (blur,) = [corruption for corruption in SOME if corruption.name == "blur"]
    damaged = np.stack(
        [
            blur.apply(crop, 3, seed=1, name=name)
            for crop, name in zip(faces.crops, faces.names, strict=True)
        ]
    )
    hit = classifier.classify(damaged).probabilities.argmax(axis=1) == faces.truth
    row = figures["readers"]["mien"]["curves"]["blur"][2]
    assert row["accuracy"] == pytest.approx(hit.mean(), abs=1e-4)


def without(faces, *labels):
    """The faces of other labels."""
    few = np.flatnonzero(~np.isin(faces.truth, [EMOTIONS.index(label) for label in labels]))
    return replace(
        faces,
        names=tuple(faces.names[index] for index in few),
        truth=faces.truth[few],
        crops=faces.crops[few],
        subjects=tuple(faces.subjects[index] for index in few),
        landmarks=faces.landmarks[few],
    )


def test_what_is_never_read_is_as_sure_as_there_are_people(faces, peer):
    some = without(faces, Emotion.HAPPINESS, Emotion.SADNESS)
    some = replace(some, subjects=tuple(str(index % 6) for index in range(len(some))))
    options = {"precision": "int8", "peers": [peer], "corruptions": SOME[:1], "draws": 20}
    clean = measure_robustness(some, **options)["readers"]["fake"]["clean"]
    assert clean["accuracy"] == 0
    assert clean["accuracy_interval"] == pytest.approx(wilson_interval(0, 6), abs=1e-4)


def test_a_label_without_faces_has_no_figures(faces, peer):
    """The peer says happiness of bright crops alone: of the label, precision comes and goes."""
    some = without(faces, Emotion.HAPPINESS)
    dark = [corruption for corruption in SOME if corruption.name == "darkness"]
    found = measure_robustness(some, precision="int8", peers=[peer], corruptions=dark, draws=5)
    clean = found["readers"]["fake"]["clean"]
    assert "per_class.sadness.recall" in clean
    assert not any(name.startswith("per_class.happiness") for name in clean)


def test_a_peer_is_given_the_same_crops(figures, faces):
    fake = figures["readers"]["fake"]
    assert fake["version"] == "1.0"
    # At eight stops less light every crop is dark, and so called sad.
    sad = (faces.truth == EMOTIONS.index(Emotion.SADNESS)).mean()
    assert fake["curves"]["darkness"][4]["accuracy"] == pytest.approx(sad, abs=1e-4)
    comparison = figures["comparisons"]["fake"]
    difference = figures["readers"]["mien"]["relative_accuracy"] - fake["relative_accuracy"]
    assert comparison["relative_accuracy_difference"] == pytest.approx(difference, abs=2e-4)
    low, high = comparison["interval"]
    assert low < difference < high
    errors = {
        name: [sum(1 - row["accuracy"] for row in curve) for curve in found["curves"].values()]
        for name, found in figures["readers"].items()
    }
    mce = np.mean(np.array(errors["mien"]) / errors["fake"])
    assert comparison["mce"] == pytest.approx(mce, abs=1e-3)


def test_the_seed_decides(faces, peer, figures):
    def half(seed):
        options = {"precision": "int8", "peers": [peer], "corruptions": SOME[-1:], "draws": 50}
        return measure_robustness(faces, seed=seed, **options)

    first, other = half(1), half(2)
    curve = figures["readers"]["fake"]["curves"]["half"]
    assert first["readers"]["fake"]["curves"]["half"] == curve
    assert first["readers"]["mien"]["curves"] != other["readers"]["mien"]["curves"]


def test_peers_that_are_not_installed_are_named(faces, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(peer_packages, "distribution", missing)
    found = measure_robustness(faces, precision="int8", corruptions=SOME[:1], draws=10)
    assert found["readers"].keys() == {"mien"}
    assert found["absent_peers"].keys() == {"fer", "fer-tflite", "facex"}
    assert found["comparisons"] == {}


def test_the_command(fer_folder, tmp_path, monkeypatch, portrait_file):
    measured = {}
    (tmp_path / "wild" / "images").mkdir(parents=True)
    shutil.copyfile(portrait_file, tmp_path / "wild" / "images" / "a.jpg")
    (tmp_path / "wild" / "labels.csv").write_text("image,emotion\na.jpg,happiness\n")

    def few(faces, **options):
        measured["faces"] = faces
        return measure_robustness(faces, peers=[], corruptions=SOME[:1], **options)

    monkeypatch.setattr("mien_lab.evaluation.robustness.measure_robustness", few)
    target, sheet = tmp_path / "figures.json", tmp_path / "curves.svg"
    options = ["robustness", "--data", str(fer_folder), "--draws", "100"]
    options += ["--photographs", str(tmp_path / "wild")]
    result = CliRunner().invoke(app, [*options, "--json", str(target), "--report", str(sheet)])
    assert result.exit_code == 0, result.output
    figures = json.loads(target.read_text())
    assert (figures["layout"], figures["split"], figures["n"]) == ("fer+", "PrivateTest", 6)
    assert len(measured["faces"]) == 6
    assert result.output.startswith("mien keeps ")
    assert figures["notes"] == []
    assert "fer is not installed" in result.output
    assert "of 1 whole photographs mien reads 100.0%" in result.output
    assert figures["photographs"]["curves"].keys() == {kind.name for kind in PHOTOGRAPHIC}
    assert sheet.read_text().startswith("<svg")
    with pytest.raises(InputError, match=r"must end in \.svg"):
        audit_commands.robustness(fer_folder, report=tmp_path / "curves.jpg")
    monkeypatch.setattr("mien_lab.evaluation.robustness.measure_robustness", None)
    with pytest.raises(InputError, match=r"labels\.csv is missing"):
        audit_commands.robustness(fer_folder, photographs=tmp_path / "nowhere")


def test_the_sheet_draws_each_curve(figures):
    sheet = curve_sheet(figures)
    assert sheet.startswith("<svg")
    assert sheet.count("<polyline") == len(SOME) * 2
    for word in ("mien", "fake", "darkness", "stops less light"):
        assert word in sheet
