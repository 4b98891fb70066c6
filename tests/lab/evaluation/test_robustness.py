import json
import shutil
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien.models.calibration import prediction_sets
from mien.models.expression import ExpressionClassifier
from mien.runtime.artifact import load_artifact, read_cards, weights_folder
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
from mien_lab.evaluation.peer_packages import Peer
from mien_lab.evaluation.photograph_robustness import PHOTOGRAPHIC, measure_photographs
from mien_lab.evaluation.resampling import clusters_of, interval, resample
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


def test_whole_photographs_are_damaged_too(portrait_file, tmp_path):
    (tmp_path / "images").mkdir()
    shutil.copyfile(portrait_file, tmp_path / "images" / "a.jpg")
    (tmp_path / "labels.csv").write_text("image,emotion\na.jpg,happiness\n")
    dark = [corruption for corruption in CORRUPTIONS if corruption.name == "darkness"]
    found = measure_photographs(tmp_path, precision="int8", corruptions=dark)
    assert found["n"] == 1
    assert (found["clean"]["missed"], found["clean"]["accuracy"]) == (0, 1.0)
    assert len(found["curves"]["darkness"]) == 5
    # Without any light there is no face to find.
    black = replace(dark[0], amounts=(99, 99, 99, 99, 99))
    found = measure_photographs(tmp_path, precision="int8", corruptions=[black])
    assert [row["missed"] for row in found["curves"]["darkness"]] == [1] * 5
    assert found["relative_accuracy"] == 0
    (tmp_path / "images" / "b.jpg").write_text("no picture")
    (tmp_path / "labels.csv").write_text("image,emotion\nb.jpg,sadness\na.jpg,happiness\n")
    found = measure_photographs(tmp_path, precision="int8", corruptions=dark)
    assert (found["n"], [failure["name"] for failure in found["failures"]]) == (1, ["b.jpg"])
    (tmp_path / "images" / "a.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"no photograph that can be read; .*b\.jpg cannot"):
        measure_photographs(tmp_path, precision="int8")


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


def test_a_label_without_faces_has_no_figures(faces, peer):
    """The peer says happiness of bright crops alone: of the label, precision comes and goes."""
    few = np.flatnonzero(faces.truth != EMOTIONS.index(Emotion.HAPPINESS))
    names = [name for index, name in enumerate(faces.names) if index in few]
    some = replace(
        faces,
        names=tuple(names),
        truth=faces.truth[few],
        crops=faces.crops[few],
        subjects=tuple(np.array(faces.subjects, object)[few]),
        landmarks=faces.landmarks[few],
    )
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


def test_faces_of_samples(tmp_path, picture):
    wall = np.full((120, 160, 3), 90, np.uint8)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    faces = cut_faces(
        [
            Sample("crop", Emotion.FEAR, subject="x", pixels=picture(1), cropped=True),
            Sample("wall", Emotion.ANGER, pixels=wall),
            Sample("broken", Emotion.ANGER, path=broken),
            Sample("unlabelled", None, pixels=wall),
        ]
    )
    assert (faces.names, faces.subjects, faces.missed) == (("crop",), ("x",), ("wall",))
    assert faces.crops.shape == (1, 48, 48)
    assert np.isnan(faces.landmarks).all()
    assert faces.failures[0][0] == "broken"
    with pytest.raises(InputError, match="none of 1 samples has a label"):
        cut_faces([Sample("unlabelled", None, pixels=wall)])


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


def test_people_are_drawn_whole():
    assert clusters_of(["a", "", "a", "", "b"]).tolist() == [0, 1, 0, 2, 3]
    # Ten people with ten equal pictures each scatter as ten pictures do, not as a hundred.
    hits = np.repeat(np.arange(10) % 2, 10)[:, None].astype(float)
    people = clusters_of([str(index // 10) for index in range(100)])
    rng = np.random.default_rng(0)
    drawn = resample(hits, people, draws=4000, rng=rng)[:, 0] / 100
    assert drawn.std() == pytest.approx(np.sqrt(0.25 / 10), rel=0.05)
    alone = resample(hits, np.arange(100), draws=4000, rng=rng)[:, 0] / 100
    assert alone.std() == pytest.approx(np.sqrt(0.25 / 100), rel=0.05)
    low, high = interval(drawn)
    assert (low, high) == pytest.approx((0.2, 0.8), abs=0.11)
    assert interval(np.full(10, np.nan)) is None
    # One person is drawn each time.
    assert interval(np.full(10, 0.5)) is None


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
    with pytest.raises(InputError, match="no name for the curves"):
        audit_commands.robustness(fer_folder, report=tmp_path / "curves.jpg")
    monkeypatch.setattr("mien_lab.evaluation.robustness.measure_robustness", None)
    with pytest.raises(InputError, match=r"labels\.csv is missing"):
        audit_commands.robustness(fer_folder, photographs=tmp_path / "nowhere")


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
        partial(measure_robustness, peers=[], corruptions=SOME[:1]),
    )
    options = [command, "--data", folder, "--layout", layout, "--draws", 100]
    result = CliRunner().invoke(app, [*map(str, options), "--json", str(tmp_path / "f.json")])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["layout"] == "fer2013"
    (note,) = (note for note in figures["notes"] if "FER2013's own" in note)
    assert note in result.output.splitlines()


def test_the_sheet_draws_each_curve(figures):
    sheet = curve_sheet(figures)
    assert sheet.startswith("<svg")
    assert sheet.count("<polyline") == len(SOME) * 2
    for word in ("mien", "fake", "darkness", "stops less light"):
        assert word in sheet
