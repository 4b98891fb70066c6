import numpy as np
import pytest

from mien.models.calibration import prediction_sets, softmax
from mien_lab.training.calibration import calibration, conformal_quantile, fit_temperature


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5, 6.0])
def test_a_known_temperature_is_recovered(drawn, temperature):
    logits, labels = drawn(20_000, seed=1)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_the_temperature_stays_within_bounds():
    labels = np.arange(8).repeat(10)
    right = np.eye(8)[labels]
    assert fit_temperature(right, labels) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(-right, labels) == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_prediction_sets_cover_what_they_promise(drawn, coverage):
    shares = []
    for seed in range(20):
        logits, labels = drawn(1000, seed)
        probabilities = softmax(logits)
        quantile = conformal_quantile(probabilities[:500], labels[:500], coverage)
        members = prediction_sets(probabilities[500:], quantile)
        shares.append(members[np.arange(500), labels[500:]].mean())
    # Where none would be in, all are, so that small coverages are exceeded.
    assert coverage - 0.01 <= np.mean(shares) <= max(coverage + 0.01, 0.75)


def test_coverage_holds_for_a_network_that_is_too_sure(drawn):
    logits, labels = drawn(8000, seed=3)
    probabilities = softmax(logits, 0.3)
    quantile = conformal_quantile(probabilities[:4000], labels[:4000], 0.9)
    members = prediction_sets(probabilities[4000:], quantile)
    assert members[np.arange(4000), labels[4000:]].mean() == pytest.approx(0.9, abs=0.02)


def test_the_quantile_is_the_score_of_the_rank_that_split_conformal_prediction_asks_for():
    own = np.linspace(0.99, 0.81, 19)
    probabilities = np.column_stack([own, 1 - own])
    # The smallest k of 19 with k / 20 >= 0.9 is 18.
    quantile = conformal_quantile(probabilities, np.zeros(19, int), 0.9)
    assert quantile == pytest.approx(1 - own[17])


def test_too_few_faces_for_the_coverage_keep_all_labels(drawn):
    logits, labels = drawn(5, seed=0)
    quantile = conformal_quantile(softmax(logits), labels, 0.9)
    assert quantile == 1
    assert prediction_sets(softmax(logits), quantile).all()


def test_calibration():
    """Logits twice too sure on even rows; of 40 odd ones the 37th lacks 0.4 of its label."""
    even = np.where(np.arange(40) < 30, 3.0, 1 / 3)
    shares = np.repeat([0.9, 0.6, 0.1], [36, 1, 3])
    odds = np.stack([even, shares / (1 - shares)], axis=1).ravel()
    logits = np.full((80, 8), -1e3, np.float32)
    logits[:, 1] = 2 * np.log(odds)
    logits[:, 3] = 0.0
    found = calibration(logits, np.ones(80, int), np.arange(80) % 2 == 1)
    assert found["temperature"] == pytest.approx(2.0, abs=1e-3)
    assert found["conformal_quantile"] == pytest.approx(0.4, abs=1e-3)


def test_the_two_parts_of_the_calibration_are_independent():
    """One half is read right, the other wrong: the temperature has not seen that."""
    logits = np.zeros((6, 2), np.float32)
    logits[:, 0] = [4, 4, 4, -9, -9, -9]
    found = calibration(logits, np.zeros(6, int), np.arange(6) > 2)
    assert found["temperature"] < 0.2
    assert found["conformal_quantile"] == 1.0
