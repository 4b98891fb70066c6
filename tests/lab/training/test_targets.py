"""What a run of the expression network learns from, and how often each face comes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from mien.core.errors import InputError  # noqa: E402
from mien_lab.cli import app  # noqa: E402
from mien_lab.data.balancing import balancing_weights, drawn_order, sampling_chances  # noqa: E402
from mien_lab.data.cleaning import clean  # noqa: E402
from mien_lab.data.faces import FaceSet  # noqa: E402
from mien_lab.data.fer2013 import load_fer, majority  # noqa: E402
from mien_lab.training.expression import train_expression  # noqa: E402
from mien_lab.training.expression_config import ExpressionConfig  # noqa: E402
from mien_lab.training.run import Run  # noqa: E402
from mien_lab.training.targets import TrainingFaces, training_faces  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def config(fer_folder):
    return ExpressionConfig(
        fer_folder, epochs=2, batch=4, part=2, limit=8, seed=3, compile=False, average=0.9,
        sizes=((1.0, 32),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(fer_folder):
    return load_fer(fer_folder)


@pytest.fixture(scope="module")
def labels(data):
    return majority(data.votes[clean(data).rows])


@pytest.fixture(scope="module")
def teams(data, labels):
    """Of each training face; most of those with the first two labels are in one team."""
    return np.where((labels < 2) & (np.arange(len(labels)) % 4 > 0), "a", "b")


@pytest.fixture(scope="module")
def table(data, teams, tmp_path_factory):
    """The CSV of these teams."""
    path = tmp_path_factory.mktemp("groups") / "groups.csv"
    rows = zip(clean(data).rows, teams, strict=True)
    path.write_text("name,team\n" + "".join(f"{row:05},{team}\n" for row, team in rows))
    return path


def some_faces(count):
    """Faces whose one-hot targets tell them apart."""
    return FaceSet(
        np.zeros((count, 72, 72), np.uint8),
        np.zeros((count, 2, 3), np.float32),
        np.zeros((count, 8), np.float32),
        np.arange(count, dtype=np.float32),
        np.zeros((count, 7), np.float32),
        np.zeros((count, 5, 2)),
    )


def test_groups_are_weighted(config, data, labels, teams, table):
    """Under the weights, each group has each label in the same share of its mass."""
    kept = clean(data)
    plain = training_faces(replace(config, limit=None), data, kept).faces
    found = training_faces(replace(config, limit=None, groups=table), data, kept)
    assert found.chances is None
    ratio = found.faces.fer.sum(axis=1) / plain.fer.sum(axis=1)
    assert ratio == pytest.approx(balancing_weights(teams, labels), rel=1e-4)
    assert np.ptp(ratio) > 0.1
    counted = plain.emotion_weight > 0
    weight = found.faces.emotion_weight[counted] / plain.emotion_weight[counted]
    assert weight == pytest.approx(ratio[counted], rel=1e-4)


def test_groups_are_drawn(config, data, labels, teams, table):
    """Sampling leaves the targets as they are and draws each group equally often."""
    kept = clean(data)
    plain = training_faces(replace(config, limit=None), data, kept).faces
    sampled = replace(config, limit=None, groups=table, balancing="sampling", balance=0.5)
    found = training_faces(sampled, data, kept)
    assert np.array_equal(found.faces.fer, plain.fer)
    assert np.array_equal(found.faces.emotion_weight, plain.emotion_weight)
    assert found.chances == pytest.approx(sampling_chances(teams, labels, strength=0.5))
    whole = training_faces(replace(sampled, balance=1.0), data, kept)
    drawn = np.concatenate([teams[whole.order(seed)] for seed in range(300)])
    # Not half and half to the last: a team cannot be given labels that it has not.
    share = whole.chances[teams == "a"].sum()
    assert (drawn == "a").mean() == pytest.approx(share, abs=0.02)
    assert abs(share - 0.5) < abs((teams == "a").mean() - 0.5)


def test_only_one_kind_of_group_is_balanced(config, data, table, tmp_path):
    two = tmp_path / "two.csv"
    two.write_text("name,team,other\n" + f"{clean(data).rows[0]:05},a,b\n")
    with pytest.raises(InputError, match="balanced by one"):
        training_faces(replace(config, groups=two), data, clean(data))


def test_an_epoch_without_chances_is_torchs_own_order():
    expected = torch.randperm(9, generator=torch.Generator().manual_seed(41)).tolist()
    assert TrainingFaces(some_faces(9)).order(41).tolist() == expected


def test_photographs_come_once_in_an_epoch_in_the_mean():
    chances = np.array([0.7, 0.1, 0.1, 0.1])
    found = TrainingFaces(some_faces(4), chances).beside(some_faces(6))
    assert len(found.faces) == 10
    assert found.chances * 10 == pytest.approx([2.8, 0.4, 0.4, 0.4, 1, 1, 1, 1, 1, 1])
    order = found.order(5)
    assert order.tolist() == drawn_order(found.chances, 10, 5).tolist()
    assert found.order(6).tolist() != order.tolist()
    some = found.some(np.array([1, 0, 9]))
    assert some.faces.emotion_weight.tolist() == [1, 0, 5]
    assert some.chances == pytest.approx(np.array([0.4, 2.8, 1]) / 4.2)
    assert TrainingFaces(some_faces(4)).beside(some_faces(6)).chances is None


def test_a_resumed_run_draws_the_same_faces(config, table, tmp_path, monkeypatch, interrupt):
    config = replace(config, groups=table, balancing="sampling")
    orders, order = [], TrainingFaces.order

    def noted(self, seed):
        orders.append(order(self, seed).tolist())
        return np.array(orders[-1])

    monkeypatch.setattr(TrainingFaces, "order", noted)
    whole = torch.load(train_expression(config, tmp_path / "whole"), weights_only=True)
    interrupt(config, tmp_path / "broken")
    torch.manual_seed(99)
    resumed = train_expression(config, tmp_path / "broken", resume=True)
    resumed = torch.load(resumed, weights_only=True)
    assert orders[:2] == orders[2:]
    assert orders[0] != orders[1]
    assert any(len(set(one)) < len(one) for one in orders)
    assert all(torch.equal(resumed["net"][name], value) for name, value in whole["net"].items())


def test_a_run_from_before_there_was_sampling_goes_on_with_weights(config, tmp_path):
    run = Run(tmp_path / "run", config, resume=False)
    run.save({"epoch": 1}, {"loss": 1.0})
    written = json.loads((tmp_path / "run" / "config.json").read_text())
    del written["balancing"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(written))
    with pytest.raises(InputError, match="was begun with balancing weights; resume with the same"):
        Run(tmp_path / "run", replace(config, balancing="sampling"), resume=True)
    assert Run(tmp_path / "run", config, resume=True).load() == {"epoch": 1}
    assert json.loads((tmp_path / "run" / "config.json").read_text())["balancing"] == "weights"


def test_balancing_that_cannot_be_done(config, table, tmp_path):
    with pytest.raises(InputError, match="by 'luck'; choose one of: weights, sampling"):
        train_expression(replace(config, balancing="luck"), tmp_path / "run")
    with pytest.raises(InputError, match="give a CSV with --groups"):
        train_expression(replace(config, balancing="sampling"), tmp_path / "run")
    with pytest.raises(InputError, match="between 0 and 1, not 2"):
        train_expression(replace(config, groups=table, balance=2.0), tmp_path / "run")
    assert not (tmp_path / "run" / "last.pt").exists()


def test_the_command_passes_on_how_to_balance(fer_folder, table, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "mien_lab.training.expression.train_expression",
        lambda config, run, resume: seen.append(config),
    )
    options = ["--groups", table, "--balancing", "sampling", "--balance", 0.5, "--threads", 1]
    command = ["train", "--data", fer_folder, "--run", tmp_path / "run", *options]
    done = CliRunner().invoke(app, [str(word) for word in command])
    assert done.exit_code == 0, done.output
    assert (seen[0].balancing, seen[0].balance, seen[0].groups) == ("sampling", 0.5, table)
