"""All figures of a table of cases, against scikit-learn."""

import json

import numpy as np
import pytest

from mien.models.calibration import prediction_sets
from mien_lab.evaluation.cases import Cases, all_figures
from mien_lab.evaluation.intervals import Bootstrap
from mien_lab.evaluation.metrics import wilson_interval

sklearn = pytest.importorskip("sklearn.metrics")

LABELS = ("a", "b", "c", "d")
FEW = Bootstrap(40)


def some(count=300, classes=4, missed=0, seed=1):
    """Cases that are mostly right; the first ones have no face."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    probabilities = rng.dirichlet(np.full(4, 0.6), count) + 0.4 * np.eye(4)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[:missed] = 0
    names = tuple(f"case {number}" for number in range(count))
    return Cases(names, truth, probabilities, LABELS, prediction_sets(probabilities, 0.8))


@pytest.mark.parametrize("missed", [0, 25])
def test_figures_are_those_of_scikit_learn(calibration_error, missed):
    cases = some(missed=missed)
    found = all_figures(cases, FEW)
    truth, predicted = cases.truth, cases.predicted
    for average in ("macro", "weighted"):
        expected = sklearn.precision_recall_fscore_support(
            truth, predicted, labels=range(4), average=average
        )
        for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
            assert found[f"{average}_{name}"] == pytest.approx(value)
    expected = sklearn.precision_recall_fscore_support(truth, predicted, labels=range(4))
    for index, label in enumerate(LABELS):
        each = found["per_class"][label]
        assert list(each) == ["precision", "recall", "f1", "support"]
        assert list(each.values()) == pytest.approx([column[index] for column in expected])
    faces = cases.found
    areas = sklearn.roc_auc_score(
        truth[faces], cases.probabilities[faces], multi_class="ovr", average=None
    )
    assert list(found["roc_auc"].values()) == pytest.approx(areas)
    assert found["roc_auc_macro"] == pytest.approx(areas.mean())
    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, predicted))
    assert found["expected_calibration_error"] == pytest.approx(
        calibration_error(cases.probabilities[faces], truth[faces])
    )
    confusion = sklearn.confusion_matrix(truth, predicted, labels=[0, 1, 2, 3, -1])
    assert found["confusion"] == confusion[:4, :4].tolist()
    assert found["missed_per_class"] == confusion[:4, 4].tolist()
    assert (found["n"], found["missed"]) == (300, missed)
    assert found["risk_coverage"][-1] == [1, pytest.approx(1 - found["accuracy"])]
    assert found["not_computed"] == []
    # The mean of the error rates among the n surest cases, of which those without a face are last.
    order = np.argsort(-cases.probabilities.max(axis=1), kind="stable")
    risks = np.cumsum((predicted != truth)[order]) / np.arange(1, 301)
    risks[300 - missed :] = risks[-1]
    assert found["aurc"] == pytest.approx(risks.mean())


def test_intervals_hold_their_figures():
    found = all_figures(some(), FEW)
    values = found["intervals"]["values"]
    names = ("accuracy", "macro_f1", "weighted_f1", "roc_auc_macro", "aurc")
    for name in (*names, "expected_calibration_error"):
        low, high = values[name]
        assert low < found[name] < high
    low, high = values["per_class.b.recall"]
    assert low < found["per_class"]["b"]["recall"] < high
    assert {"conformal_coverage", "conformal_mean_size"} < set(values)
    assert found == all_figures(some(), FEW)


def test_an_empty_class_is_null_and_listed():
    cases = some(classes=3)
    shares = cases.probabilities[:, :3] / cases.probabilities[:, :3].sum(axis=1, keepdims=True)
    cases = Cases(cases.names, cases.truth, np.pad(shares, ((0, 0), (0, 1))), LABELS)
    found = all_figures(cases, FEW)
    nothing = {"precision": None, "recall": None, "f1": None, "support": 0}
    assert found["per_class"]["d"] == nothing
    assert found["roc_auc"]["d"] is None
    listed = {entry["figure"]: entry["reason"] for entry in found["not_computed"]}
    assert set(listed) == {
        "per_class.d.precision",
        "per_class.d.recall",
        "per_class.d.f1",
        "roc_auc.d",
        "conformal_coverage",
        "conformal_mean_size",
    }
    assert listed["roc_auc.d"] == "no case has this label"
    assert listed["conformal_coverage"] == "this reader gives no sets"
    assert found["macro_f1"] == pytest.approx(
        sklearn.f1_score(cases.truth, cases.predicted, average="macro")
    )
    assert found["intervals"]["values"]["roc_auc.d"] is None
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_little_or_nothing_found(count):
    cases = some(count, classes=1, missed=count)
    found = all_figures(cases, FEW)
    json.dumps(found, allow_nan=False)
    assert found["accuracy"] == (0 if count else None)
    assert found["roc_auc_macro"] is None
    listed = {entry["figure"]: entry["reason"] for entry in found["not_computed"]}
    expected = "no face was found" if count else "there are no cases"
    assert listed["roc_auc_macro"] == listed["conformal_mean_size"] == expected


def test_a_single_case():
    cases = some(1)
    found = all_figures(cases, FEW)
    json.dumps(found, allow_nan=False)
    assert found["roc_auc_macro"] is None
    assert found["n"] == 1


def test_what_is_all_wrong_or_all_right_is_not_certain():
    truth = np.repeat([0, 3], [44, 16])
    rows = np.tile([0.7, 0.1, 0.1, 0.1], (60, 1))
    found = all_figures(Cases(tuple(map(str, range(60))), truth, rows, LABELS), FEW)["intervals"]
    intervals = found["values"]
    assert intervals["per_class.d.recall"] == pytest.approx(wilson_interval(0, 16))
    assert intervals["per_class.a.recall"] == pytest.approx(wilson_interval(44, 44))
    for name in ("accuracy", "weighted_recall", "per_class.a.precision"):
        assert intervals[name] == pytest.approx(wilson_interval(44, 60)), name
    for name in ("per_class.d.f1", "per_class.d.precision", "macro_recall"):
        assert intervals[name] is None, name
    assert "Wilson" in found["method"]


def test_macro_figures_are_of_all_labels_or_of_none():
    # One of five people shows all of the second label, and is missing from a third of the draws.
    truth = np.array([0, 0, 0, 0, 1, 1])
    rows = np.where(truth[:, None] == 0, [0.9, 0.1], [0.6, 0.4])
    people = np.array([0, 1, 2, 3, 4, 4])
    cases = Cases(tuple("abcdef"), truth, rows, ("x", "y"), subjects=people)
    found = all_figures(cases, Bootstrap(resamples=200))
    assert found["macro_recall"] == pytest.approx(0.5)
    intervals = found["intervals"]["values"]
    assert intervals["macro_recall"] is None
    assert intervals["roc_auc_macro"] is None
    assert intervals["weighted_f1"] is not None
