"""Several readings of the same faces."""

import numpy as np
import pytest

pytest.importorskip("fairlearn")

from fairlearn.metrics import MetricFrame, equalized_odds_difference
from sklearn.metrics import accuracy_score, recall_score

from mien.core.labels import EMOTIONS, Emotion
from mien_lab.evaluation.audit import audit
from mien_lab.evaluation.paired_groups import pair
from mien_lab.evaluation.predictions import Predictions

ANGER = EMOTIONS.index(Emotion.ANGER)


def reading(truth, rate, seed):
    """Predictions that are right so often."""
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(len(truth)) < rate, truth, rng.integers(0, 8, len(truth)))
    rows = np.full((len(truth), 8), 0.05)
    rows[np.arange(len(truth)), said] = 0.65
    return Predictions(tuple(map(str, range(len(truth)))), truth, rows)


@pytest.fixture(scope="module")
def pictures():
    """Truth and groups of 900 faces; some are in none, three in one too small."""
    rng = np.random.default_rng(5)
    groups = np.array(["a", "b", "c", ""])[rng.choice(4, 900, p=[0.5, 0.3, 0.15, 0.05])]
    groups[:3] = "few"
    return rng.integers(0, 8, 900), groups


def test_paired_figures_are_those_of_fairlearn(pictures):
    truth, groups = pictures
    readings = [reading(truth, np.where(groups == "a", 0.9, 0.6), 1), reading(truth, 0.7, 2)]
    figures = pair(readings, groups, ["a", "b", "c"], draws=100).figures()
    judged = np.isin(groups, ["a", "b", "c"])
    for index, one in enumerate(readings):
        said = one.predicted
        found = {name: values[0, index] for name, values in figures.items()}
        assert found["accuracy"] == pytest.approx((said == truth).mean())
        recall = recall_score(truth, said, average="macro")
        assert found["macro_recall"] == pytest.approx(recall)
        frame = MetricFrame(
            metrics=accuracy_score,
            y_true=truth[judged],
            y_pred=said[judged],
            sensitive_features=groups[judged],
        )
        assert found["worst_accuracy"] == pytest.approx(frame.group_min())
        assert found["accuracy_gap"] == pytest.approx(frame.difference())
        odds = [
            equalized_odds_difference(
                truth[judged] == label, said[judged] == label, sensitive_features=groups[judged]
            )
            for label in range(8)
        ]
        assert found["equalised_odds/anger"] == pytest.approx(odds[ANGER])
        assert found["equalised_odds_mean"] == pytest.approx(np.mean(odds))
        assert found["equalised_odds_largest"] == pytest.approx(np.max(odds))


def test_a_rare_emotion_is_not_compared(pictures):
    truth, groups = pictures
    truth = np.where((truth == ANGER) & (groups != "a"), 0, truth)
    figures = pair([reading(truth, 0.7, 1)], groups, ["a", "b", "c"], draws=100).figures()
    assert "equalised_odds/anger" not in figures
    assert "equalised_odds/fear" in figures


def test_differences_are_those_of_the_audit(pictures):
    truth, groups = pictures
    one = reading(truth, np.where(groups == "a", 0.9, 0.6), 1)
    paired = pair([one], groups, ["a", "b", "c"], draws=100)
    gaps = audit(one, {"kind": tuple(groups.tolist())}, draws=200)["gaps"]
    assert {"accuracy", "accuracy_same_mix"} <= {gap["measure"] for gap in gaps}
    for gap in gaps:
        size = paired.difference(gap["measure"], gap["higher"], gap["lower"])[0, 0]
        assert size == pytest.approx(gap["size"], abs=1e-4)


def test_what_two_readings_share_does_not_scatter(pictures):
    truth, groups = pictures
    one = reading(truth, 0.7, 1)
    rows = one.probabilities.copy()
    rows[:20] = np.roll(rows[:20], 1, axis=1)
    paired = pair([one, one, Predictions(one.names, truth, rows)], groups, ["a", "b"], draws=300)
    accuracy = paired.figures()["accuracy"]
    assert np.array_equal(accuracy[:, 0], accuracy[:, 1])
    assert np.std(accuracy[:, 2] - accuracy[:, 0]) < np.std(accuracy[:, 0]) / 2
    other = pair([one], groups, ["a", "b"], draws=300, seed=1)
    assert not np.array_equal(other.figures()["accuracy"][:, 0], accuracy[:, 0])
    assert np.std(accuracy[1:, 0]) == pytest.approx(np.sqrt(accuracy[0, 0] * 0.3 / 900), rel=0.2)
