import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("fairlearn")

from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn.metrics import f1_score, recall_score

from mien.core.labels import EMOTIONS, Emotion
from mien_lab.cli import app
from mien_lab.evaluation.audit import audit
from mien_lab.evaluation.group_sums import figures_of, same_mix, sample_sums
from mien_lab.evaluation.metrics import wilson_interval
from mien_lab.evaluation.predictions import Predictions
from mien_lab.evaluation.tables import audit_text

ANGER = EMOTIONS.index(Emotion.ANGER)


def readings(hit_rates, counts, seed=0, found=1.0):
    """Predictions of groups that are read rightly so often, with their groups."""
    rng = np.random.default_rng(seed)
    rates = np.repeat(hit_rates, counts)
    truth = rng.integers(0, 8, len(rates))
    said = np.where(
        rng.random(len(rates)) < rates, truth, (truth + rng.integers(1, 8, len(rates))) % 8
    )
    confidence = rng.uniform(0.5, 0.9, len(rates))
    rows = np.full((len(rates), 8), 1.0) * ((1 - confidence) / 7)[:, None]
    rows[np.arange(len(rates)), said] = confidence
    rows[rng.random(len(rates)) >= found] = 0
    names = tuple(str(index) for index in range(len(rates)))
    groups = np.repeat([chr(ord("a") + index) for index in range(len(counts))], counts)
    return Predictions(names, truth, rows), tuple(groups.tolist())


@pytest.fixture(scope="module")
def unequal():
    return readings([0.9, 0.55], [300, 260], found=0.97)


@pytest.fixture(scope="module")
def figures(unequal):
    predictions, groups = unequal
    return audit(predictions, {"kind": groups}, draws=400)


def test_figures_are_those_of_scikit_learn_and_fairlearn(figures, unequal, calibration_error):
    predictions, groups = unequal
    table = figures["columns"]["kind"]
    said, group = predictions.predicted, np.array(groups)
    for name, found in table["groups"].items():
        inside = group == name
        truth = predictions.truth[inside]
        assert found["n"] == inside.sum()
        assert found["accuracy"]["value"] == pytest.approx((truth == said[inside]).mean(), abs=1e-4)
        f1 = f1_score(truth, said[inside], labels=range(8), average="macro", zero_division=0)
        assert found["macro_f1"]["value"] == pytest.approx(f1, abs=1e-4)
        recalls = recall_score(truth, said[inside], labels=range(8), average=None, zero_division=0)
        read = predictions.found[inside]
        error = calibration_error(predictions.probabilities[inside][read], truth[read])
        assert found["expected_calibration_error"]["value"] == pytest.approx(error, abs=1e-4)
        assert found["missed"]["value"] == pytest.approx(1 - read.mean(), abs=1e-4)
        confidence = predictions.probabilities[inside][read].max(axis=1)
        gap = confidence.mean() - (truth == said[inside])[read].mean()
        assert found["confidence_minus_accuracy"]["value"] == pytest.approx(gap, abs=1e-4)
        for index, emotion in enumerate(EMOTIONS):
            assert found["recall"][emotion]["value"] == pytest.approx(recalls[index], abs=1e-4)
            false = (said[inside] == index)[truth != index].mean()
            assert found["false_positive_rate"][emotion]["value"] == pytest.approx(false, abs=1e-4)
    pair = predictions.truth == ANGER, said == ANGER
    differences = table["differences"]
    assert differences["selection_rate"]["anger"]["value"] == pytest.approx(
        demographic_parity_difference(*pair, sensitive_features=group), abs=1e-4
    )
    assert differences["equalised_odds"]["anger"]["value"] == pytest.approx(
        equalized_odds_difference(*pair, sensitive_features=group), abs=1e-4
    )


def test_the_bootstrap_is_of_the_same_figures(figures, unequal):
    predictions, groups = unequal
    inside = np.array(groups) == "a"
    summed = figures_of(sample_sums(predictions)[inside].sum(axis=0))
    found = figures["columns"]["kind"]["groups"]["a"]
    for measure in ("accuracy", "macro_f1", "expected_calibration_error"):
        assert found[measure]["value"] == pytest.approx(float(summed[measure]), abs=1e-4)
        low, high = found[measure]["interval"]
        assert low < high
    low, high = found["accuracy"]["interval"]
    spread = np.sqrt(0.9 * 0.1 / 300)
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.3)


def test_a_gap_is_said_first(figures):
    assert next(iter(figures)) == "finding"
    finding = figures["finding"]
    assert finding["gap"] is True
    assert (finding["groups"][0]["group"], finding["groups"][1]["group"]) == ("a", "b")
    low, high = finding["interval"]
    assert 0 < low < finding["size"] < high
    assert finding["text"].startswith("Gap found: ")
    assert "kind a" in finding["text"]
    assert "n = 300" in finding["text"]
    text = audit_text(figures | {"notes": []})
    assert text.splitlines()[0] == finding["text"]
    assert {gap["measure"] for gap in figures["gaps"]} >= {"accuracy", "accuracy_same_mix"}
    assert json.loads(json.dumps(figures)) == figures


def test_what_could_have_been_missed():
    predictions, groups = readings([0.8, 0.8], [200, 150], seed=3)
    figures = audit(predictions, {"kind": groups}, draws=400)
    finding = figures["finding"]
    assert finding["gap"] is False
    assert figures["gaps"] == []
    assert 0.05 < finding["could_have_missed"]["accuracy"]["size"] < 0.35
    assert "could have been missed" in finding["text"]
    assert "false-positive rate of anger" in finding["text"]


def test_small_groups_are_listed_without_figures():
    predictions, groups = readings([0.9, 0.9, 0.1, 0.5], [60, 50, 29, 1])
    groups = (*groups[:-1], "")
    figures = audit(predictions, {"kind": groups}, draws=200)
    table = figures["columns"]["kind"]
    assert table["groups"].keys() == {"a", "b"}
    assert table["too_small"] == [{"group": "c", "n": 29, "people": None}]
    assert table["without_group"] == 1
    assert "too small for figures: c (n = 29)" in audit_text(figures | {"notes": []})


def test_many_pictures_of_few_people_are_a_small_group():
    predictions, groups = readings([0.9, 0.2], [100, 100])
    subjects = [
        f"{group}{index % (20 if group == 'a' else 3)}" for index, group in enumerate(groups)
    ]
    figures = audit(predictions, {"kind": groups}, subjects=subjects, draws=200)
    table = figures["columns"]["kind"]
    assert table["groups"]["a"]["people"] == 20
    assert table["too_small"] == [{"group": "b", "n": 100, "people": 3}]
    assert figures["finding"]["gap"] is None
    assert "No gap could be looked for" in figures["finding"]["text"]


def test_one_unnamed_picture_makes_no_group_of_people():
    predictions, groups = readings([0.9, 0.2], [100, 100])
    subjects = ["one" if index % 100 else "" for index in range(200)]
    table = audit(predictions, {"kind": groups}, subjects=subjects, draws=100)["columns"]["kind"]
    assert [group["people"] for group in table["too_small"]] == [2, 2]


def test_a_label_that_one_person_shows_is_not_judged():
    # Of each group's ten people one alone is sad, read rightly in the first group only.
    truth = np.tile(np.repeat([1, 3], [60, 15]), 2)
    said = np.where((truth == 3) & (np.arange(150) >= 75), 0, truth)
    predictions = Predictions(tuple(map(str, range(150))), truth, np.eye(8)[said])
    people = [f"{index // 75} {0 if sad == 3 else index % 10}" for index, sad in enumerate(truth)]
    columns = {"kind": ("a",) * 75 + ("b",) * 75}
    found = audit(predictions, columns, subjects=people, draws=200)
    assert {gap["measure"] for gap in found["gaps"]}.isdisjoint({"recall/sadness"})
    groups = found["columns"]["kind"]["groups"]
    assert groups["a"]["recall"]["sadness"]["interval"][0] < 0.3
    assert groups["b"]["macro_f1"]["interval"] is None
    # Nor is it in the mix of labels, so that the second group is read rightly at it.
    assert groups["b"]["accuracy"]["value"] == 0.8
    assert groups["b"]["accuracy_same_mix"]["value"] == 1
    alone = audit(predictions, columns, draws=200)
    assert "recall/sadness" in {gap["measure"] for gap in alone["gaps"]}


def test_draws_without_a_label_do_not_count_for_macro_f1():
    """Of seven labels one is read rightly, and each other one is missing from some draws."""
    truth = np.repeat(np.arange(7), [60, 5, 5, 5, 5, 5, 5])
    said = np.where(truth == 0, 0, 7)
    predictions = Predictions(tuple(map(str, range(90))), truth, np.eye(8)[said])
    found = audit(predictions, {"kind": ["a"] * 90}, draws=2000)["columns"]["kind"]["groups"]["a"]
    assert found["macro_f1"] == {"value": pytest.approx(1 / 7, abs=1e-4), "interval": None}


def test_intersections_find_what_columns_hide():
    # Each column is read equally well; only one of the four crossings of groups is read badly.
    predictions, corner = readings([0.9, 0.55, 0.55, 0.9], [150] * 4, seed=5)
    age = tuple("old" if one in "ab" else "young" for one in corner)
    gender = tuple("f" if one in "ac" else "m" for one in corner)
    figures = audit(predictions, {"age": age, "gender": gender}, draws=300)
    assert figures["intersections"]["age and gender"]["groups"].keys() == {
        "old, f", "old, m", "young, f", "young, m",
    }  # fmt: skip
    assert figures["finding"]["gap"] is True
    assert figures["finding"]["column"] == "age and gender"
    # Neither column alone has a gap, so that none of it goes before.
    assert {gap["column"] for gap in figures["gaps"]} == {"age and gender"}


def test_shares_of_none_and_all_have_intervals():
    # Each class is all right or all wrong, in both groups.
    truth = np.array(([1] * 30 + [7] * 16) * 2)
    said = np.where(truth == 7, 0, truth)
    predictions = Predictions(tuple(map(str, range(92))), truth, np.eye(8)[said])
    people = [f"p{index % 23}" for index in range(92)]
    columns = {"kind": ("a",) * 46 + ("b",) * 46}
    for subjects, count in ((None, 16), (people, 16), ([f"p{n % 8}" for n in range(92)], 8)):
        found = audit(predictions, columns, subjects=subjects, draws=100)["columns"]["kind"]
        contempt = found["groups"]["a"]["recall"]["contempt"]
        assert contempt["value"] == 0
        assert contempt["interval"] == pytest.approx(wilson_interval(0, count), abs=1e-4)
        assert found["groups"]["a"]["recall"]["happiness"]["interval"][0] < 0.9
        odds = found["differences"]["equalised_odds"]["contempt"]
        assert odds == {"value": 0.0, "interval": None}
        low, high = found["groups"]["a"]["false_positive_rate"]["anger"]["interval"]
        assert low == 0 < high


def test_differences_are_said_to_be_no_tests():
    predictions, groups = readings([0.8] * 6, [60] * 6, seed=2)
    figures = audit(predictions, {"kind": groups}, draws=200)
    assert "are no tests" in figures["intervals"]
    differences = figures["columns"]["kind"]["differences"]
    lows = []
    for figure in (*differences["selection_rate"].values(), differences["accuracy"]):
        low, high = figure["interval"]
        assert low <= figure["value"] <= high
        lows.append(low)
    assert np.mean(np.array(lows) < 0.01) > 0.5


def photographed(people=40, each=15):
    """People in bright and in dark light: half of them are read badly, all worse in the dark.

    With the light of each picture and who is shown.
    """
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(people), 2 * each)
    dark = np.tile(np.repeat([False, True], each), people)
    rate = np.where(person % 2, 0.95, 0.25) - 0.1 * dark
    truth = rng.integers(0, 8, len(person))
    # As many of a person's pictures as the rate says, rounded up or down by chance.
    rounding = np.repeat(rng.random(2 * people), each)
    hit = np.tile(np.arange(each), 2 * people) < np.floor(rate * each + rounding)
    said = np.where(hit, truth, (truth + rng.integers(1, 8, len(truth))) % 8)
    predictions = Predictions(tuple(map(str, range(len(truth)))), truth, np.eye(8)[said])
    return predictions, np.where(dark, "dark", "bright"), [f"p{one}" for one in person]


def test_a_gap_between_pictures_of_the_same_people_is_found():
    predictions, light, people = photographed()
    figures = audit(predictions, {"light": light.tolist()}, subjects=people, draws=400)
    gaps = {gap["measure"]: gap for gap in figures["gaps"]}
    gap = gaps["accuracy"]
    assert (gap["higher"], gap["lower"]) == ("bright", "dark")
    assert gap["size"] == pytest.approx(0.1, abs=0.02)
    assert figures["finding"]["gap"] is True
    # Each group scatters by far more than this: half of its people are read badly.
    groups = figures["columns"]["light"]["groups"]
    low, high = groups["dark"]["accuracy"]["interval"]
    assert high - low > 2 * gap["size"]
    low, high = figures["columns"]["light"]["differences"]["accuracy"]["interval"]
    assert 0.03 < low < gap["size"] < high < 0.17
    # Of eighty people, each in one of the two lights, the same figures are no gap.
    others = [f"{one} {which}" for one, which in zip(people, light, strict=True)]
    apart = audit(predictions, {"light": light.tolist()}, subjects=others, draws=400)
    assert "accuracy" not in {gap["measure"] for gap in apart["gaps"]}


def test_all_columns_are_of_the_same_draws():
    predictions, light, people = photographed(20, 6)
    # The same groups by other names, so that they come in the other order; and one of them alone.
    renamed = np.where(light == "dark", "a", "b").tolist()
    alone = np.where(light == "dark", "dark", "").tolist()
    columns = {"light": light.tolist(), "renamed": renamed, "alone": alone}
    options = {"subjects": people, "draws": 100, "intersections": False}
    found = audit(predictions, columns, **options)["columns"]
    dark = found["light"]["groups"]["dark"]
    assert dark == found["renamed"]["groups"]["a"]
    # Only the mix of labels is that of the groups beside it.
    assert dark | {"accuracy_same_mix": None} == (
        found["alone"]["groups"]["dark"] | {"accuracy_same_mix": None}
    )
    assert found["light"]["differences"] == found["renamed"]["differences"]
    for name, groups in columns.items():
        assert audit(predictions, {name: groups}, **options)["columns"][name] == found[name]
    turned = dict(reversed(columns.items()))
    assert audit(predictions, turned, **options)["columns"] == found


def test_the_seed_decides():
    predictions, groups = readings([0.8, 0.7], [60, 60])
    first, again = (audit(predictions, {"kind": groups}, draws=100, seed=1) for _ in range(2))
    assert first == again


def test_the_same_mix_of_labels():
    # Every happy face is read, every second sad one; the groups differ in their shares alone.
    truth = np.array([1] * 80 + [3] * 20 + [1] * 20 + [3] * 80)
    said = np.where((truth == 3) & (np.arange(200) % 2 == 0), 0, truth)
    predictions = Predictions(tuple(map(str, range(200))), truth, np.eye(8)[said])
    groups = ("a",) * 100 + ("b",) * 100
    found = audit(predictions, {"kind": groups}, draws=100)["columns"]["kind"]["groups"]
    assert [found[name]["accuracy"]["value"] for name in "ab"] == [0.9, 0.6]
    assert [found[name]["accuracy_same_mix"]["value"] for name in "ab"] == [0.75, 0.75]
    assert found["a"]["recall"]["fear"] == {"value": None, "interval": None, "cases": 0}
    assert np.isnan(same_mix(sample_sums(predictions).sum(axis=0), np.zeros(8)))


def test_a_label_that_one_group_hardly_shows_makes_no_gap_at_the_same_mix():
    # Both groups are read alike, but all ten happy faces of the first by chance rightly.
    truth = np.repeat([0, 1, 0, 1], [190, 10, 20, 980])
    number = np.concatenate([np.arange(count) for count in (190, 10, 20, 980)])
    wrong = (number % 20 < 3) & ~((truth == 1) & (np.arange(1200) < 200))
    said = np.where(wrong, 2, truth)
    predictions = Predictions(tuple(map(str, range(1200))), truth, np.eye(8)[said])
    found = audit(predictions, {"kind": ("a",) * 200 + ("b",) * 1000}, draws=200)
    assert "accuracy_same_mix" not in {gap["measure"] for gap in found["gaps"]}
    same_mix = found["columns"]["kind"]["groups"]["a"]["accuracy_same_mix"]
    assert same_mix["value"] > 0.95
    assert same_mix["interval"][0] < 0.85


def test_the_command(tmp_path, picture, monkeypatch):
    people = tmp_path / "people"
    (people / "images").mkdir(parents=True)
    import PIL.Image

    names = [f"{index:02}.png" for index in range(26)]
    for index, name in enumerate(names):
        PIL.Image.fromarray(picture(index)).save(people / "images" / name)
    with (people / "labels.csv").open("w", newline="") as stream:
        rows = [(name, EMOTIONS[index % 3].value) for index, name in enumerate(names)]
        csv.writer(stream).writerows([("image", "label"), *rows])
    groups, target = tmp_path / "groups.csv", tmp_path / "audit.json"
    with groups.open("w", newline="") as stream:
        rows = [(name, "fm"[index % 2]) for index, name in enumerate(names)]
        csv.writer(stream).writerows([("name", "gender"), *rows, ("99.png", "f")])
    options = ["audit", "--data", str(people), "--minimum", "12", "--draws", "100"]
    options += ["--json", str(target)]
    result = CliRunner().invoke(app, [*options, "--groups", str(groups)])
    assert result.exit_code == 0, result.output
    figures = json.loads(target.read_text())
    assert next(iter(figures)) == "finding"
    assert result.output.splitlines()[0] == figures["finding"]["text"]
    assert figures["columns"]["gender"]["groups"]["f"]["n"] == 13
    assert figures["unmatched"] == ["99.png"]
    assert "99.png" in result.output
    monkeypatch.chdir(people)
    options[2] = "."
    result = CliRunner().invoke(app, [*options, "--limit", "20"])
    assert result.exit_code == 0, result.output
    figures = json.loads(target.read_text())
    assert figures["data"] == "people"
    assert figures["compared"] == "image conditions"
    assert figures["n"] == 20
    assert "not groups of people" in result.output


def test_nothing_to_audit_is_an_error(tmp_path):
    (tmp_path / "manifest.csv").write_text("image,label\na.png,sad\nb.png,\n")
    (tmp_path / "groups.csv").write_text("name,team\na.png,x\n")
    groups = ["--groups", str(tmp_path / "groups.csv")]
    result = CliRunner().invoke(app, ["audit", "--data", str(tmp_path), *groups])
    assert "none of the 1 labelled pictures can be read" in str(result.exception)
    (tmp_path / "manifest.csv").write_text("image,label\nb.png,\n")
    result = CliRunner().invoke(app, ["audit", "--data", str(tmp_path), *groups])
    assert "none of the 1 pictures" in str(result.exception)
