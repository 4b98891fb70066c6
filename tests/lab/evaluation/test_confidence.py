"""Calibration, prediction sets and abstention, against the code that serves and by hand."""

import numpy as np
import pytest

from mien.models.calibration import prediction_sets, softmax
from mien_lab.evaluation.confidence import (
    reliability,
    risk_coverage,
    set_figures,
)
from mien_lab.evaluation.metrics import Ranking


def some(seed, count=200):
    """Probabilities (n, 8) and labels."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(8, 0.4), count), rng.integers(0, 8, count)


def sorted_in(probabilities, truth):
    hit = probabilities.argmax(axis=1) == truth
    return reliability(probabilities.max(axis=1), hit, np.ones(len(truth)))


def test_the_calibration_error_is_that_of_its_definition(calibration_error):
    probabilities, truth = some(1)
    found = sorted_in(probabilities, truth)
    assert found.error == pytest.approx(calibration_error(probabilities, truth))
    assert sum(row["n"] for row in found.to_rows()) == len(truth)


def test_calibrated_data_have_no_calibration_error(drawn):
    logits, labels = drawn(50_000, seed=2)
    assert sorted_in(softmax(logits), labels).error < 0.01
    assert sorted_in(softmax(logits, 0.25), labels).error > 0.1


def test_calibration_error_of_extremes():
    sure = np.eye(8)[np.arange(8)]
    assert sorted_in(sure, np.arange(8)).error == 0
    assert sorted_in(sure, (np.arange(8) + 1) % 8).error == 1


def test_reliability_by_hand():
    found = reliability(
        np.array([0.1, 0.6, 0.7, 1.0]), np.array([0, 1, 0, 1], bool), np.array([1.0, 1, 2, 0]), 2
    )
    first, second = found.to_rows()
    assert first == {"from": 0, "to": 0.5, "n": 1, "confidence": 0.1, "accuracy": 0}
    assert second["n"] == 3
    assert second["confidence"] == pytest.approx(2 / 3)
    assert second["accuracy"] == pytest.approx(1 / 3)
    assert found.error == pytest.approx(0.25 * 0.1 + 0.75 / 3)
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, bool), np.zeros(0)).error)


def test_a_case_without_a_face_is_not_covered_and_has_no_size():
    probabilities = np.array([[0.9, 0.1, 0], [0.5, 0.4, 0.1], [0, 0, 0]])
    sets = prediction_sets(probabilities, 0.6)
    assert sets.tolist() == [[True, False, False], [True, True, False], [False] * 3]
    assert set_figures(sets, np.array([0, 2, 0]), np.ones(3)) == pytest.approx((1 / 3, 1.5))
    assert np.isnan(set_figures(sets, np.array([0, 2, 0]), np.zeros(3))).all()


def test_risk_and_coverage_by_hand():
    confidence = np.array([0.9, 0.5, 0.8, 0.5])
    wrong = np.array([False, True, True, False])
    found = risk_coverage(Ranking.of(confidence), wrong, np.ones(4))
    assert found.coverage.tolist() == [0.25, 0.5, 1]
    assert found.risk.tolist() == [0, 0.5, 0.5]
    assert found.area == pytest.approx((0 + 0.5 + 2 * 0.5) / 4)
    assert found.to_points() == [[0.25, 0], [0.5, 0.5], [1, 0.5]]


def test_weights_are_repetitions():
    probabilities, truth = some(3)
    confidence = probabilities.max(axis=1).round(1)
    wrong = probabilities.argmax(axis=1) != truth
    weights = np.random.default_rng(4).integers(0, 3, len(truth))
    rows = np.repeat(np.arange(len(truth)), weights)
    found = risk_coverage(Ranking.of(confidence), wrong, weights.astype(float))
    expected = risk_coverage(Ranking.of(confidence[rows]), wrong[rows], np.ones(len(rows)))
    assert found.area == pytest.approx(expected.area)
    assert found.risk == pytest.approx(expected.risk)
    assert reliability(confidence, ~wrong, weights.astype(float)).error == pytest.approx(
        reliability(confidence[rows], ~wrong[rows], np.ones(len(rows))).error
    )


def test_curves_are_thinned_and_keep_their_end():
    confidence = np.random.default_rng(5).random(5000)
    wrong = np.random.default_rng(6).random(5000) < 0.3
    points = risk_coverage(Ranking.of(confidence), wrong, np.ones(5000)).to_points()
    assert len(points) == 100
    assert points[-1] == [1, pytest.approx(wrong.mean())]
    nothing = risk_coverage(Ranking.of(np.zeros(0)), np.zeros(0, bool), np.zeros(0))
    assert nothing.to_points() == []
    assert np.isnan(nothing.area)
