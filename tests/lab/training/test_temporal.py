import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien.core.labels import Emotion  # noqa: E402
from mien.models.calibration import softmax  # noqa: E402
from mien.models.temporal import TemporalReader  # noqa: E402
from mien.runtime.artifact import weights_folder  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.data.clips import ClipMaker  # noqa: E402
from mien_lab.data.recordings import Recording, RecordingLayout, read_recordings  # noqa: E402
from mien_lab.data.sequences import read_steps  # noqa: E402
from mien_lab.evaluation.temporal import evaluate_temporal  # noqa: E402
from mien_lab.training import temporal  # noqa: E402
from mien_lab.training.calibration import conformal_quantile, fit_temperature  # noqa: E402
from mien_lab.training.temporal import TemporalConfig, train_temporal  # noqa: E402
from mien_lab.training.temporal_export import calibrate_temporal, export_temporal  # noqa: E402


def test_doubt_draws_whole_clips_towards_another_face():
    torch.manual_seed(0)
    clips = torch.randn(5, 7, 3)
    assert torch.equal(temporal._doubted(clips, 0.0), clips)
    seen = temporal._doubted(clips, 0.5)
    kept = seen.diff(dim=1) / clips.diff(dim=1)
    # One share for a clip, and what it is drawn to does not move.
    torch.testing.assert_close(kept, kept[:, :1, :1].expand_as(kept), rtol=1e-3, atol=1e-3)
    shares = 1 - kept[:, 0, 0]
    assert 0 <= shares.min() < shares.max() <= 0.5
    towards = (seen - (1 - shares)[:, None, None] * clips)[:, 0] / shares[:, None]
    nearest = torch.cdist(towards, clips.reshape(-1, 3)).min(dim=1).values
    assert nearest.max() < 1e-2


def test_the_loss_counts_changes_where_the_label_stays():
    labels = torch.tensor([[0, 0, 0, 1, -1]])
    targets = torch.eye(8)[labels.clamp(min=0)]
    logits = 30 * torch.eye(8)[torch.tensor([[0, 2, 2, 1, 5]])]
    plain = temporal._loss(logits, targets, labels, 0.0)
    # Two of four frames are wrong by 30; of the two that should stay as before, one changes by 2.
    assert float(plain) == pytest.approx(15)
    assert float(temporal._loss(logits, targets, labels, 0.4) - plain) == pytest.approx(0.4)


def test_train_export_calibrate_evaluate(fer_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(temporal, "LENGTH", 12)
    config = TemporalConfig(fer_folder, clips=6, epochs=2, batch=4)
    run = tmp_path / "run"
    checkpoint = train_temporal(config, run)
    curve = (run / "curve.jsonl").read_text().splitlines()
    assert len(curve) == 2
    with pytest.raises(OutputError):
        train_temporal(config, run)
    with pytest.raises(InputError, match="was begun with epochs 2"):
        train_temporal(replace(config, epochs=3), run, resume=True)
    assert len((run / "curve.jsonl").read_text().splitlines()) == 2
    state = torch.load(checkpoint)
    torch.save(state | {"reads": "another"}, tmp_path / "run" / "last.pt")
    with pytest.raises(InputError, match="another expression network"):
        train_temporal(config, run, resume=True)
    torch.save(state, checkpoint)
    clips = temporal.still_clips(config, run, "Training", 4)
    weights = tmp_path / "weights"
    export_temporal(checkpoint, weights, version="7")
    figures = calibrate_temporal(weights, clips)
    card = json.loads((weights / "temporal.json").read_text())
    assert card["extra"]["temperature"] == figures["temperature"]
    assert "votes (MIT), as embeddings" in card["trained_on"]
    expression = json.loads((weights_folder() / "expression.json").read_text())
    assert card["extra"]["reads"] == expression["sha256"]
    reader = TemporalReader(open_session("temporal", folder=weights, threads=1))
    steps = read_steps(reader, clips)
    assert steps.shape == (4, 100, 8)
    shown = clips.labels >= 0
    (first, label), (second, held) = (
        (steps[half][shown[half]], clips.labels[half][shown[half]])
        for half in (slice(2), slice(2, 4))
    )
    temperature = fit_temperature(first, label)
    assert figures["temperature"] == pytest.approx(temperature, abs=1e-4)
    quantile = conformal_quantile(softmax(second, temperature), held)
    assert figures["conformal_quantile"] == pytest.approx(quantile, abs=1e-4)
    # With gains of one, each frame is believed whole.
    export_temporal(checkpoint, weights, version="7", gain_shift=30.0)
    card = json.loads((weights / "temporal.json").read_text())
    assert card["extra"]["gain_shift"] == 30.0
    whole = read_steps(TemporalReader(open_session("temporal", folder=weights, threads=1)), clips)
    assert np.abs(whole - clips.logits)[shown].max() < np.abs(steps - clips.logits)[shown].max()
    found = evaluate_temporal(reader, clips, 1.0, figures["conformal_quantile"])
    assert found["clips"] == 4
    right = (read_steps(reader, clips).argmax(axis=2) == clips.labels)[shown].mean()
    assert found["recurrent"]["accuracy"] == pytest.approx(right)


@pytest.fixture(scope="module")
def small(fer_folder):
    return TemporalConfig(fer_folder, clips=6, epochs=3, batch=4)


@pytest.fixture(scope="module")
def unbroken(small, tmp_path_factory):
    """A run that ended, with the clips that others may share."""
    run = tmp_path_factory.mktemp("unbroken") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temporal, "LENGTH", 12)
        train_temporal(small, run)
    return run


@pytest.fixture
def run(unbroken, tmp_path, monkeypatch):
    """The folder of another run on the same clips."""
    monkeypatch.setattr(temporal, "LENGTH", 12)
    shutil.copytree(unbroken / "clips", tmp_path / "run" / "clips")
    return tmp_path / "run"


def test_clips_are_kept_for_what_decides_them(small, run, fer_folder, tmp_path, monkeypatch):
    made, clip = [], ClipMaker.clip

    def noted(self, number, *rest):
        made.append(number)
        return clip(self, number, *rest)

    monkeypatch.setattr(ClipMaker, "clip", noted)
    first = temporal._training_sequences(small, run)
    moved = replace(small, fer_dir=shutil.copytree(fer_folder, tmp_path / "fer"))
    temporal._training_sequences(moved, run)
    assert not made
    reseeded = temporal._training_sequences(replace(small, seed=1), run)
    assert made == list(range(6))
    assert not np.array_equal(reseeded.embeddings, first.embeddings)
    monkeypatch.setattr("mien_lab.data.faces.place_landmarks", lambda _: None)
    unaligned = temporal._training_sequences(moved, run)
    assert made == [*range(6), *range(6)]
    assert not np.array_equal(unaligned.embeddings, first.embeddings)


def test_clips_of_recordings_are_kept_for_what_decides_them(fer_folder, tmp_path, monkeypatch):
    weights, film = shutil.copytree(weights_folder(), tmp_path / "weights"), tmp_path / "film.mp4"
    film.write_bytes(b"cut off")
    config = TemporalConfig(fer_folder, weights, recordings=tmp_path)
    shown = Recording((film,), Emotion.ANGER, "train")
    monkeypatch.setattr(temporal, "recorded", lambda chosen, reader, place, **_: (place, chosen))

    def place(recording=shown):
        monkeypatch.setattr(temporal, "read_recordings", lambda *_: [recording])
        return temporal.recorded_clips(config, tmp_path / "run", checking=False)[0]

    places = [place()]
    assert place() == places[0]
    places += [
        place(replace(shown, **other)) for other in ({"emotion": Emotion.FEAR}, {"onset": True})
    ]
    film.write_bytes(b"whole again")
    places.append(place())
    stat = film.stat()
    film.write_bytes(b"other again")
    os.utime(film, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    places.append(place())
    for name in ("detector", "refiner", "landmarks"):
        card = weights / f"{name}.json"
        card.write_text(json.dumps(json.loads(card.read_text()) | {"version": "other"}))
        places.append(place())
    assert len(set(places)) == len(places)


def test_a_resumed_run_ends_where_an_unbroken_one_does(small, unbroken, run, monkeypatch):
    epoch = temporal._epoch

    def broken(config, number, *rest):
        if number == 2:
            raise KeyboardInterrupt
        return epoch(config, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(temporal, "_epoch", broken)
        with pytest.raises(KeyboardInterrupt):
            train_temporal(small, run)
    assert torch.load(run / "last.pt")["epoch"] == 2
    train_temporal(small, run, resume=True)
    whole, again = (torch.load(folder / "last.pt") for folder in (unbroken, run))
    for part in ("net", "average"):
        for name, values in whole[part].items():
            assert torch.equal(values, again[part][name]), name
    losses = [
        [json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]
        for folder in (unbroken, run)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (lambda logits: logits.sum() * np.nan, "loss"),
        (lambda logits: (logits.sum() * 0).sqrt(), "gradient"),
    ],
)
def test_what_is_no_number_never_reaches_a_checkpoint(small, run, monkeypatch, fault, name):
    loss, calls = temporal._loss, []

    def poisoned(logits, *rest):
        calls.append(None)
        # Six clips are two steps of an epoch, for three members: the last of the second epoch.
        return loss(logits, *rest) + (fault(logits) if len(calls) == 12 else 0)

    monkeypatch.setattr(temporal, "_loss", poisoned)
    with pytest.raises(FloatingPointError, match=f"the {name} became nan in epoch 2, step 2"):
        train_temporal(small, run)
    state = torch.load(run / "last.pt")
    assert state["epoch"] == 1
    assert all(values.isfinite().all() for values in state["average"].values())


def lab(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("layout", "name", "actors"),
    [
        (RecordingLayout.CREMA_D, "VideoFlash/{}_DFA_HAP_XX.mp4", ("1001", "1002", "1003")),
        (RecordingLayout.RAVDESS, "Actor_{0}/02-01-03-01-01-01-{0}.mp4", ("01", "04", "05")),
    ],
)
def test_recordings_are_trained_and_checked_on(
    run, fer_folder, film, tmp_path, portrait, layout, name, actors
):
    """Three actors, of whom one is held out."""
    folder = tmp_path / "recordings"
    for path in (folder / name.format(actor) for actor in actors):
        path.parent.mkdir(parents=True, exist_ok=True)
        film(path, portrait)
    options = ["--data", fer_folder, "--run", run, "--recordings", folder, "--layout", layout]
    found = [temporal.held_out(one) for one in read_recordings(folder, layout)]
    assert sorted(found) == [False, False, True]
    lab("temporal", "train", *options, "--clips", 6, "--epochs", 1)
    config = TemporalConfig(fer_folder, recordings=folder, layout=layout, clips=6)
    trained = temporal._training_sequences(config, run)
    assert len(trained) == 6 + 2
    assert (trained.labels[6:] >= 0).sum(axis=1).tolist() == [6, 6]
    weights = tmp_path / "weights"
    export_temporal(run / "last.pt", weights, version="7")
    card = json.loads((weights / "temporal.json").read_text())
    assert f"votes (MIT) and recordings of {layout}, as embeddings" in card["trained_on"]
    figures = json.loads(lab("temporal", "evaluate", *options, "--weights", weights))
    (found,) = figures.values()
    assert list(figures) == [str(layout)]
    assert [found[name] for name in ("clips", "clustered_by", "people")] == [1, "people", 1]
    # The portrait smiles, and says so frame by frame.
    assert found["single frames"]["accuracy"] == 1


def test_recordings_without_a_face_are_an_error(fer_folder, tmp_path, make_film):
    folder = tmp_path / "VideoFlash"
    folder.mkdir()
    for actor in range(1000, 1006):
        make_film(folder / f"{actor}_DFA_HAP_XX.mp4", times=[0, 0.1])
    config = TemporalConfig(fer_folder, recordings=tmp_path, layout=RecordingLayout.CREMA_D)
    for checking in (True, False):
        with pytest.raises(InputError, match="no face was found"):
            temporal.recorded_clips(config, tmp_path / "run", checking=checking)
