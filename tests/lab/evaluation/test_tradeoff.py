"""What balancing leaves of a gap, and what it costs."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("fairlearn")

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS, Emotion
from mien_lab.cli import app
from mien_lab.data.balancing import balancing_weights, effective_share, sampling_chances
from mien_lab.evaluation import tradeoff
from mien_lab.evaluation.documents import fill
from mien_lab.evaluation.embedded_faces import EmbeddedFaces
from mien_lab.evaluation.shipped import added, weight_checksums
from mien_lab.evaluation.tradeoff_text import tradeoff_text

ANGER = EMOTIONS.index(Emotion.ANGER)


# The trade-off of a habit that is planted


def planted(habit, seed=0):
    """Faces whose features say their label a little, and their team; of the test faces, each team
    shows all labels alike, of the training faces only as far as there is no `habit`.
    """
    rng = np.random.default_rng(seed)
    fitted, n = 4000, 6000
    labels = rng.integers(0, 8, n)
    chance = np.where(labels == ANGER, 0.5 + habit / 2, 0.5 - habit / 4)
    chance[fitted:] = 0.5
    team = rng.random(n) < chance
    features = np.eye(8)[labels] + rng.normal(0, 0.6, (n, 8))
    features = np.hstack([features, 2.0 * team[:, None] + rng.normal(0, 0.1, (n, 1))])
    names = tuple(f"{row:05}" for row in range(n))
    faces = EmbeddedFaces(
        names,
        fitted,
        labels,
        np.eye(8, dtype=np.float32)[labels[:fitted]],
        features.astype(np.float32),
        np.eye(8)[labels[fitted:]],
        np.zeros((n, 48, 48), np.uint8),
        np.full((n, 5, 2), np.nan),
        "sum",
    )
    return faces, np.where(team, "a", "b")


def measured(monkeypatch, tmp_path, faces, groups, **options):
    monkeypatch.setattr(tradeoff, "embed", lambda *_, **__: faces)
    table = tmp_path / "groups.csv"
    rows = "".join(f"{name},{of}\n" for name, of in zip(faces.names, groups, strict=True) if of)
    table.write_text("name,team\n" + rows)
    return tradeoff.measure_tradeoff(tmp_path, table, precision="int8", draws=300, **options)


@pytest.fixture(scope="module")
def habit(tmp_path_factory):
    faces, groups = planted(0.8)
    with pytest.MonkeyPatch.context() as patched:
        figures = measured(patched, tmp_path_factory.mktemp("habit"), faces, groups)
    return figures, faces, groups


def test_balancing_closes_a_gap_that_training_faces_taught(habit):
    figures, faces, groups = habit
    finding = figures["finding"]
    assert finding["gap"] is True
    assert "anger" in finding["measure"]
    assert [one["balancing"] for one in finding["closing"]] == ["weights", "sampling"]
    for one in finding["closing"]:
        assert one["left"]["value"] < finding["size"] / 3
        assert one["left"]["value"] - one["change"]["value"] == pytest.approx(
            finding["size"], abs=2e-4
        )
        assert one["change"]["interval"][1] < 0
    ways = figures["tradeoff"]["team"]["ways"]
    assert [(row["balancing"], row["strength"]) for row in ways] == [
        ("as shipped", None),
        ("none", None),
        ("weights", 0.5),
        ("weights", 1.0),
        ("sampling", 0.5),
        ("sampling", 1.0),
    ]
    assert ways[0]["accuracy"]["value"] == 1
    none, half, whole = (ways[index]["equalised_odds"]["anger"]["value"] for index in (1, 2, 3))
    assert none > half > whole
    train = groups[: faces.fitted], faces.labels[: faces.fitted]
    for row in ways[2:4]:
        share = effective_share(balancing_weights(*train, strength=row["strength"]))
        assert row["effective_share"] == pytest.approx(share, abs=1e-4)
    for row in ways[4:]:
        share = effective_share(sampling_chances(*train, strength=row["strength"]))
        assert row["effective_share"] == pytest.approx(share, abs=1e-4)
    for row in ways[1:]:
        low, high = row["worst_accuracy"]["interval"]
        assert high == pytest.approx(min(2 * row["worst_accuracy"]["value"] - low, 1), abs=2e-4)
    low, high = ways[3]["change"]["accuracy"]["interval"]
    assert low <= ways[3]["change"]["accuracy"]["value"] <= high
    moved = ways[3]["accuracy"]["value"] - ways[1]["accuracy"]["value"]
    assert ways[3]["change"]["accuracy"]["value"] == pytest.approx(moved, abs=2e-4)


def test_intervals_of_largest_differences_are_said_to_be_no_tests(habit):
    figures = habit[0]
    assert set(figures["not_tests"]) == {
        "accuracy_gap", "equalised_odds_mean", "equalised_odds_largest", "equalised_odds",
    }  # fmt: skip
    reached = 0
    for row in figures["tradeoff"]["team"]["ways"]:
        found = [row["equalised_odds_largest"], *row["equalised_odds"].values()]
        for figure in found:
            if figure["interval"] is None:  # a label that is never read
                assert figure["value"] == 0
                continue
            low, high = figure["interval"]
            assert low <= figure["value"] <= high
            reached += low == 0
    assert reached > 6


def test_the_first_line_says_what_was_found_and_what_it_costs(habit):
    figures = habit[0]
    text = tradeoff_text(figures)
    first = text.splitlines()[0]
    assert first.startswith("Gap found: ")
    one = figures["finding"]["closing"][0]
    left = f"Balanced by team at full strength, weights leave {100 * one['left']['value']:.1f} "
    assert left.replace("-0.0", "0.0") in first
    assert "sampling leaves" in first
    assert first.endswith("in brackets 95 % intervals.")
    assert "team; faces in training and test: a " in text
    assert "as shipped" in text
    assert "Without balancing:" in text
    json.dumps(figures, allow_nan=False)


def test_where_there_is_no_gap_it_is_said_what_balancing_costs(monkeypatch, tmp_path):
    faces, groups = planted(0.0)
    figures = measured(monkeypatch, tmp_path, faces, groups)
    finding, none = figures["finding"], figures["tradeoff"]["team"]["ways"][1]
    assert finding["gap"] is False
    assert finding["unbalanced"] == none["accuracy_gap"]
    size = f"{100 * none['accuracy_gap']['value']:.1f}"
    assert finding["text"].startswith("No gap found in ")
    assert f"the largest difference in accuracy is {size} points, by team" in finding["text"]
    assert "; balanced by that at full strength, weights leave " in finding["text"]
    assert all(abs(one["accuracy"]["value"]) < 0.01 for one in finding["closing"])


def test_groups_that_are_too_small(monkeypatch, tmp_path):
    faces, groups = planted(0.5)
    alone = np.where(np.arange(len(groups)) % 200 == 0, "rare", "a")
    figures = measured(monkeypatch, tmp_path, faces, alone)
    assert figures["finding"]["gap"] is None
    assert figures["finding"]["text"].startswith("No gap could be looked for")
    assert figures["tradeoff"]["team"]["ways"] == []
    assert figures["tradeoff"]["team"]["groups"]["rare"] == {"training": 20, "test": 10}
    assert "not balanced: no two groups are large enough" in tradeoff_text(figures)


def test_a_group_of_few_training_faces_is_not_drawn_more_often():
    faces, groups = planted(0.5)
    groups = np.where(np.arange(len(groups)) < 29, "rare", groups)[: faces.fitted]
    for least, times in ((30, 1.0), (20, faces.fitted / 3 / 29)):
        ways = {
            (way.balancing, way.strength): way for way in tradeoff._ways(faces, groups, least, 0)
        }
        assert ways["sampling", 1.0].times[:29].mean() == pytest.approx(times, rel=0.2)
        for way in ways.values():
            assert way.times.mean() == pytest.approx(1)


# On pictures


def test_the_command_measures_conditions_of_pictures(faces_folder, tmp_path):
    out = tmp_path / "tradeoff.json"
    command = ["tradeoff", "--data", faces_folder, "--json", out, "--minimum", 10, "--draws", 100]
    done = CliRunner().invoke(app, [str(word) for word in (*command, "--threads", 1)])
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text())
    assert done.output.splitlines()[0] == figures["finding"]["text"]
    assert next(iter(figures)) == "finding"
    assert figures["compared"] == "image conditions"
    assert "not groups of people" in figures["notes"][0]
    assert (figures["fitted_on"], figures["n"], figures["split"]) == (60, 30, "PublicTest")
    assert figures["sha256"] == weight_checksums()["expression-int8.onnx"]
    light = figures["tradeoff"]["skin-region luminance"]
    assert sum(one["training"] for one in light["groups"].values()) == 60
    assert sum(one["test"] for one in light["groups"].values()) == 30


# In documents


def test_the_trade_off_in_a_document(habit, shipped_figures):
    figures = shipped_figures | {"weights": {"expression-int8.onnx": "sum"}}
    with pytest.raises(
        InputError, match="has compared 'groups', but the documents describe 'image"
    ):
        added(figures, habit[0], "tradeoff.json")
    thirds = habit[0] | {"compared": "image conditions", "n": 3199}
    grown = added(figures, thirds, "tradeoff.json")
    text = fill("<!-- figures: tradeoff -->\n<!-- end -->", grown)
    assert "Gap found: " in text
    assert "Balanced by team at full strength" in text
    ways = habit[0]["tradeoff"]["team"]["ways"]
    low, high = ways[3]["change"]["accuracy"]["interval"]
    cell = f"{100 * ways[3]['accuracy']['value']:.1f} % ({100 * low:+.1f} to {100 * high:+.1f})"
    assert f"| weights, 1 | {100 * ways[3]['effective_share']:.0f} % | {cell} |" in text
    assert "| not balanced | 100 % | " in text
    with pytest.raises(InputError, match="measured on other weights"):
        added({"weights": {"expression-int8.onnx": "other"}}, habit[0], "tradeoff.json")
