import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mien.core.labels import EMOTIONS
from mien.models.calibration import (
    conformal_quantile,
    expected_calibration_error,
    fit_temperature,
    prediction_sets,
    ranked_set,
    softmax,
)

logit_rows = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.just(8)),
    elements=st.floats(-30, 30, width=32),
)


def drawn(count, seed, sharpness=2.0):
    """Logits and labels drawn from exactly their softmax."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 8)) * sharpness
    mass = softmax(logits).cumsum(axis=1)
    labels = (rng.random((count, 1)) > mass).sum(axis=1)
    return logits, np.minimum(labels, 7)


@given(logit_rows, st.floats(0.05, 20))
def test_softmax_gives_distributions(logits, temperature):
    probabilities = softmax(logits, temperature)
    assert probabilities.dtype == np.float64
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    best = probabilities.argmax(axis=1)
    assert np.allclose(logits[range(len(logits)), best], logits.max(axis=1), atol=1e-6)


def test_softmax_of_huge_logits():
    assert softmax(np.array([1e4, 0.0])).tolist() == [1, 0]
    assert softmax(np.array([-1e4, -1e4])).tolist() == [0.5, 0.5]


def test_heat_flattens():
    logits = np.array([2.0, 1.0, 0.0])
    assert softmax(logits, 4.0).max() < softmax(logits).max() < softmax(logits, 0.25).max()


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5, 6.0])
def test_a_known_temperature_is_recovered(temperature):
    logits, labels = drawn(20_000, seed=1)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_the_temperature_stays_within_bounds():
    labels = np.arange(8).repeat(10)
    right = np.eye(8)[labels]
    assert fit_temperature(right, labels) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(-right, labels) == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_prediction_sets_cover_what_they_promise(coverage):
    shares = []
    for seed in range(20):
        logits, labels = drawn(1000, seed)
        probabilities = softmax(logits)
        quantile = conformal_quantile(probabilities[:500], labels[:500], coverage)
        members = prediction_sets(probabilities[500:], quantile)
        shares.append(members[np.arange(500), labels[500:]].mean())
    # Where none would be in, all are, so that small coverages are exceeded.
    assert coverage - 0.01 <= np.mean(shares) <= max(coverage + 0.1, 0.75)


def test_coverage_holds_for_a_network_that_is_too_sure():
    logits, labels = drawn(8000, seed=3)
    probabilities = softmax(logits, 0.3)
    quantile = conformal_quantile(probabilities[:4000], labels[:4000], 0.9)
    members = prediction_sets(probabilities[4000:], quantile)
    assert members[np.arange(4000), labels[4000:]].mean() >= 0.88


def test_the_quantile_is_the_score_of_the_rank_that_split_conformal_prediction_asks_for():
    own = np.linspace(0.99, 0.81, 19)
    probabilities = np.column_stack([own, 1 - own])
    # The smallest k of 19 with k / 20 >= 0.9 is 18.
    quantile = conformal_quantile(probabilities, np.zeros(19, int), 0.9)
    assert quantile == pytest.approx(1 - own[17])


@given(logit_rows, st.floats(0, 1))
def test_the_labels_of_a_set_come_by_their_probability(logits, quantile):
    probabilities = softmax(logits)
    for row, members in zip(probabilities, prediction_sets(probabilities, quantile), strict=True):
        ranked = [EMOTIONS.index(emotion) for emotion in ranked_set(row, quantile)]
        assert sorted(ranked) == np.flatnonzero(members).tolist()
        assert (np.diff(row[ranked]) <= 0).all()


def test_sets_allow_for_rounding():
    row = np.array([0.6, 0.4, 0, 0, 0, 0, 0, 0])
    assert ranked_set(row, 0.4 - 5e-7) == (EMOTIONS[0],)


def test_where_no_label_is_probable_enough_none_is_ruled_out():
    rows = np.array([[0.5, 0.3, 0.2], [0.8, 0.1, 0.1], [0, 0, 0]])
    sets = prediction_sets(rows, 0.4)
    assert sets.tolist() == [[True] * 3, [True, False, False], [False] * 3]


def test_too_few_faces_for_the_coverage_keep_all_labels():
    logits, labels = drawn(5, seed=0)
    quantile = conformal_quantile(softmax(logits), labels, 0.9)
    assert quantile == 1
    assert prediction_sets(softmax(logits), quantile).all()


@given(logit_rows, st.floats(0, 1))
def test_a_set_holds_the_most_probable_labels(logits, quantile):
    probabilities = softmax(logits).astype(np.float32)
    members = prediction_sets(probabilities, quantile)
    for row, inside in zip(probabilities, members, strict=True):
        assert inside[row.argmax()]
        if not inside.all():
            assert row[inside].min() >= row[~inside].max()


@given(logit_rows)
def test_a_quantile_of_one_keeps_all_labels(logits):
    assert prediction_sets(softmax(logits).astype(np.float32), 1.0).all()


@given(logit_rows, st.floats(0, 1), st.floats(0, 1))
def test_sets_grow_with_the_quantile(logits, first, second):
    low, high = sorted((first, second))
    probabilities = softmax(logits)
    sure = 1 - probabilities.max(axis=1) <= low
    smaller, larger = (prediction_sets(probabilities[sure], value) for value in (low, high))
    assert (smaller <= larger).all()


def test_calibrated_data_have_no_calibration_error():
    logits, labels = drawn(50_000, seed=2)
    assert expected_calibration_error(softmax(logits), labels) < 0.01
    assert expected_calibration_error(softmax(logits, 0.25), labels) > 0.1


def test_calibration_error_of_extremes():
    sure = np.eye(8)[np.arange(8)]
    assert expected_calibration_error(sure, np.arange(8)) == 0
    assert expected_calibration_error(sure, (np.arange(8) + 1) % 8) == 1


def test_the_pages_give_the_same_sets():
    shared = json.loads((Path(__file__).parents[2] / "web/tests/judgement.json").read_text())
    for case in shared["sets"]:
        assert ranked_set(np.array(case["probabilities"]), case["quantile"]) == tuple(case["set"])
    assert len(shared["sets"]) > 5
