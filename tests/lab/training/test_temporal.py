import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from mien.core.errors import InputError, OutputError  # noqa: E402
from mien.core.labels import EMOTIONS, Emotion  # noqa: E402
from mien.models.temporal import CONTEXT_SIZE, TemporalReader  # noqa: E402
from mien.runtime.artifact import weights_folder  # noqa: E402
from mien.runtime.session import open_session  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.data import sequences as sequences_of  # noqa: E402
from mien_lab.data.clips import CLEAN, POOR, ClipMaker  # noqa: E402
from mien_lab.data.faces import fer_faces  # noqa: E402
from mien_lab.data.fer2013 import load_fer  # noqa: E402
from mien_lab.data.recordings import Recording, RecordingLayout, read_recordings  # noqa: E402
from mien_lab.data.sequences import Sequences, join_sequences, read_steps  # noqa: E402
from mien_lab.evaluation.temporal import (  # noqa: E402
    evaluate_temporal,
    moving_average,
    series_figures,
)
from mien_lab.training import temporal  # noqa: E402
from mien_lab.training.temporal import TemporalConfig, train_temporal  # noqa: E402
from mien_lab.training.temporal_export import (  # noqa: E402
    calibrate_temporal,
    choose_gain_shift,
    export_temporal,
)
from mien_lab.training.temporal_net import JoinedNet, StepNet, TemporalNet  # noqa: E402


@pytest.fixture(scope="module")
def faces(fer_folder):
    return fer_faces(load_fer(fer_folder), np.arange(36))


def maker(faces, length=60, rates=(25, 25), seed=0):
    return ClipMaker(faces, length=length, rates=rates, seed=seed)


def sequences(labels, predicted, step=0.04):
    labels = np.asarray(labels)
    count, length = labels.shape
    clips = Sequences(
        np.zeros((count, length, 4), np.float16),
        np.zeros((count, length, 8), np.float32),
        np.zeros((count, length, 8), np.float32),
        np.zeros((count, length, CONTEXT_SIZE), np.float32),
        np.tile(np.arange(length) * step, (count, 1)),
        np.eye(8, dtype=np.float32)[np.maximum(labels, 0)],
        labels,
    )
    return clips, np.eye(8)[np.asarray(predicted)]


def test_clips_repeat_by_their_number(faces):
    one, again = maker(faces).clip(5, POOR), maker(faces).clip(5, POOR)
    assert np.array_equal(one.crops, again.crops)
    assert np.array_equal(one.contexts, again.contexts)
    assert not np.array_equal(one.crops, maker(faces).clip(6, POOR).crops)


def test_frames_are_shown_at_the_sizes_in_turn(faces):
    plain, larger = (maker(faces).clip(5, CLEAN, zooms) for zooms in ((1.0,), (1.0, 1.1)))
    same = (plain.crops == larger.crops).all(axis=(1, 2))
    assert same[::2].all()
    assert not same[1::2].any()
    assert np.array_equal(plain.targets, larger.targets)


def test_clips_pass_from_one_expression_to_another(faces):
    changes = 0
    for number in range(6):
        clip = maker(faces, length=100).clip(number, CLEAN)
        assert np.allclose(clip.targets.sum(axis=1), 1, atol=1e-5)
        assert clip.crops.shape == (100, 48, 48)
        assert clip.contexts.shape == (100, CONTEXT_SIZE)
        assert np.diff(clip.times).min() > 0
        changes += int((np.diff(clip.labels) != 0).sum())
        # Distributions pass over; they do not leap.
        assert np.abs(np.diff(clip.targets, axis=0)).max() < 0.75
    assert changes >= 6


def test_poor_clips_are_worse_and_miss_frames(faces):
    clean = [maker(faces).clip(number, CLEAN) for number in range(4)]
    poor = [maker(faces).clip(number, POOR) for number in range(4)]

    def unrest(clips):
        return np.mean([np.abs(np.diff(clip.crops.astype(int), axis=0)).mean() for clip in clips])

    assert unrest(poor) > 1.5 * unrest(clean)
    assert max(np.diff(clip.times).max() for clip in poor) > 0.07
    assert max(np.diff(clip.times).max() for clip in clean) < 0.05


def test_frame_rates_vary_between_clips(faces):
    made = [maker(faces, rates=(8, 60)).clip(number, CLEAN) for number in range(8)]
    rates = [59 / clip.times[-1] for clip in made]
    assert min(rates) < 20 < max(rates)


def test_clips_need_two_expressions(faces):
    same = replace(faces, emotions=np.tile(np.eye(8, dtype=np.float32)[1], (len(faces), 1)))
    with pytest.raises(ValueError, match="two expressions"):
        maker(same)


def test_a_step_is_what_the_whole_clip_is():
    torch.manual_seed(0)
    net = JoinedNet(12, 2, width=6, hidden=5).eval()
    net.prepare(torch.randn(50, 12), torch.randn(50, 8))
    for member in net.members:
        torch.nn.init.normal_(member.revision.weight)
    embeddings, contexts = torch.randn(2, 9, 12), torch.randn(2, 9, CONTEXT_SIZE)
    state = torch.zeros(2, net.state_size)
    with torch.no_grad():
        each = net(embeddings, contexts)
        assert not torch.allclose(each[0], each[1], atol=1e-3)
        whole = each.mean(dim=0)
        for index in range(9):
            logits, state = StepNet(net)(embeddings[:, index], contexts[:, index], state)
            assert torch.allclose(logits, whole[:, index], atol=1e-5)


def test_single_frames_are_those_of_the_expression_network():
    torch.manual_seed(0)
    embeddings, weight = torch.randn(200, 12), torch.randn(8, 12)
    net = TemporalNet(12)
    net.prepare(embeddings, embeddings @ weight.T + 1)
    assert torch.allclose(net.single(embeddings), embeddings @ weight.T + 1, atol=1e-3)


def test_figures_of_a_series():
    labels = [[0] * 5 + [1] * 5]
    predicted = [[0, 0, 3, 0, 0, 0, 0, 1, 1, 1]]
    figures = series_figures(*reversed(sequences(labels, predicted)))
    assert figures["accuracy"] == pytest.approx(0.7)
    assert figures["changes_per_s"] == pytest.approx(3 / 0.36)
    assert figures["true_changes_per_s"] == pytest.approx(1 / 0.36)
    assert figures["delay_ms_median"] == pytest.approx(80)
    assert figures["recognised"] == 1.0


def test_a_change_that_is_never_read_counts_as_not_recognised():
    figures = series_figures(*reversed(sequences([[0, 0, 1, 1, 2, 2]], [[0, 0, 0, 0, 0, 2]])))
    assert figures["macro_recall"] == pytest.approx(0.5)
    assert figures["recognised"] == 0.5
    assert figures["delay_ms_median"] == pytest.approx(40)


def test_frames_after_the_end_do_not_count():
    figures = series_figures(*reversed(sequences([[0, 0, -1, -1]], [[0, 0, 5, 6]])))
    assert figures["accuracy"] == 1.0
    assert figures["changes_per_s"] == 0.0
    assert figures["delay_ms_median"] is None


def test_a_moving_average_follows_with_its_time_constant():
    series = np.zeros((1, 50, 8))
    series[0, 0, 0], series[0, 1:, 1] = 1, 1
    times = np.arange(50)[None] * 0.04
    mean = moving_average(series, times, 0.4)
    assert mean[0, 11, 1] == pytest.approx(1 - np.exp(-0.44 / 0.4))
    assert np.allclose(mean.sum(axis=2), 1)


def test_joined_sequences_are_filled_up():
    short, _ = sequences([[1, 1]], [[1, 1]])
    long, _ = sequences([[2, 2, 2]], [[2, 2, 2]])
    assert join_sequences([short, long]).labels.tolist() == [[1, 1, -1], [2, 2, 2]]


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
    # With gains of one, each frame is believed whole.
    export_temporal(checkpoint, weights, version="7", gain_shift=30.0)
    card = json.loads((weights / "temporal.json").read_text())
    assert card["extra"]["gain_shift"] == 30.0
    whole = read_steps(TemporalReader(open_session("temporal", folder=weights, threads=1)), clips)
    shown = clips.labels >= 0
    assert np.abs(whole - clips.logits)[shown].max() < np.abs(steps - clips.logits)[shown].max()
    found = evaluate_temporal(reader, clips, 1.0, figures["conformal_quantile"])
    assert found["clips"] == 4
    right = (read_steps(reader, clips).argmax(axis=2) == clips.labels)[shown].mean()
    assert found["recurrent"]["accuracy"] == pytest.approx(right)


class Told:
    """Reads what embeddings say, as a recurrent network without memory would."""

    def start(self, count):
        return np.zeros((count, 1), np.float32)

    def step(self, embeddings, contexts, state):
        return embeddings, state


def test_what_is_gained_over_single_frames():
    """Single frames read half of each clip right; the network three quarters and all of it."""
    labels = np.zeros((4, 8), np.int64)
    own, single = labels.copy(), labels.copy()
    own[:2, 6:], single[:, 4:] = 1, 2
    clips, told = sequences(labels, own)
    said = 9 * np.eye(8, dtype=np.float32)[single]
    clips = replace(clips, embeddings=told.astype(np.float16), logits=said, single=said)
    found = evaluate_temporal(Told(), clips, 1.0, 0.5)
    assert found["single frames"]["accuracy"] == 0.5
    assert found["recurrent"]["accuracy"] == 0.875
    gained = found["gained"]["single frames"]
    assert gained["mean"] == pytest.approx(0.375)
    # Of two clips that gain 0.25 and two that gain 0.5.
    assert gained["standard_error"] == pytest.approx(0.125 / 2)
    assert (found["clustered_by"], found["people"]) == ("clips", None)
    # Of two people whose clips gain as much, which are no four independent clips.
    found = evaluate_temporal(Told(), clips, 1.0, 0.5, ["a", "a", "b", "b"])
    assert found["gained"]["single frames"] == pytest.approx(
        {"mean": 0.375, "standard_error": 0.125}
    )
    assert (found["clustered_by"], found["people"]) == ("people", 2)
    alone = evaluate_temporal(Told(), clips, 1.0, 0.5, ["a"] * 4)
    assert alone["gained"]["single frames"]["standard_error"] is None


@pytest.mark.parametrize(("disturbed", "best"), [(0, 2.0), (1, 2.0), (3, 1.0)])
def test_gains_are_shifted_as_far_as_costs_next_to_nothing(tmp_path, disturbed, best):
    """A change is seen at once by gains over a half, shifts of 1 and more; there are ten.

    A frame disturbed by 0.7 deceives gains over 1 / 1.7, shifts of 1.5 and more; of a thousand
    frames two may be given up.
    """
    labels = np.repeat([[0] * 50 + [1] * 50], 10, axis=0)
    clips, told = sequences(labels, labels)
    told[:disturbed, 20] = 0.7 * np.eye(8)[2]
    net = JoinedNet(8, 1)
    with torch.no_grad():
        for weights in net.parameters():
            weights.zero_()
        net.nets[0].single_weight.copy_(torch.eye(8))
        net.nets[0].gain.bias.fill_(-0.9)
    torch.save({"average": net.state_dict()}, tmp_path / "last.pt")
    clips = replace(clips, embeddings=told.astype(np.float16))
    assert choose_gain_shift(tmp_path / "last.pt", clips) == best


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
    (tmp_path / "fer" / "landmarks.csv").unlink()
    unaligned = temporal._training_sequences(moved, run)
    assert made == [*range(6), *range(6)]
    assert not np.array_equal(unaligned.embeddings, first.embeddings)


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


def film(path, picture, frames=6):
    """A film of a still picture."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = np.ascontiguousarray(picture[:height, :width])
        for _ in range(frames):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode(None))


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
    run, fer_folder, tmp_path, portrait, layout, name, actors
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


def test_films_are_decoded_no_further_than_they_are_read(portrait, tmp_path, analyzer, monkeypatch):
    film(tmp_path / "film.mp4", portrait, frames=9)
    open_media, decoded = sequences_of.open_media, []

    @contextmanager
    def counted(path):
        with open_media(path) as stream:
            yield (decoded.append(frame.index) or frame for frame in stream)

    monkeypatch.setattr(sequences_of, "open_media", counted)
    recording = Recording((tmp_path / "film.mp4",), Emotion.HAPPINESS, "S1")
    sequences_of.recorded([recording], analyzer.parts.reader, tmp_path / "kept", length=2)
    assert decoded == [0, 1]


def test_faces_of_recordings_become_sequences(portrait, tmp_path, analyzer):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.png")
        PIL.Image.fromarray(portrait).save(files[-1])
    PIL.Image.new("RGB", (80, 80), "grey").save(tmp_path / "wall.png")
    wall = Recording((tmp_path / "wall.png",), Emotion.HAPPINESS, "S0")
    recording = Recording(tuple(files), Emotion.HAPPINESS, "S1", onset=True)
    found, shown = sequences_of.recorded(
        [wall, recording], analyzer.parts.reader, tmp_path / "kept", length=5
    )
    assert (len(found), shown) == (1, [recording])
    happy = found.targets[0, :, EMOTIONS.index(Emotion.HAPPINESS)]
    assert happy.tolist() == pytest.approx([0, 0.5, 1, 0, 0])
    assert (found.labels[0] >= 0).tolist() == [True] * 3 + [False] * 2
    assert all(b > a for a, b in pairwise(found.times[0][:3]))
