import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_lab.evaluation.metrics import (
    Ranking,
    class_rates,
    classification_figures,
    roc_auc,
    weighted_confusion,
    wilson_interval,
)

sklearn = pytest.importorskip("sklearn.metrics")

LABELS = ["a", "b", "c", "d"]
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(pairs)
def test_figures_are_those_of_scikit_learn(both):
    truth, predicted = np.array(both).T
    figures = classification_figures(truth, predicted, LABELS)
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(
        truth, predicted, labels=range(4), zero_division=0
    )
    for index, label in enumerate(LABELS):
        found = figures["per_class"][label]
        assert found["precision"] == pytest.approx(precision[index])
        assert found["recall"] == pytest.approx(recall[index])
        assert found["f1"] == pytest.approx(f1[index])
        assert found["support"] == support[index]
    present = sorted(set(truth.tolist()))
    assert figures["n"] == len(truth)
    assert figures["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, predicted))
    assert figures["macro_f1"] == pytest.approx(
        sklearn.f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    )
    assert figures["macro_recall"] == pytest.approx(
        sklearn.recall_score(truth, predicted, labels=present, average="macro", zero_division=0)
    )
    expected = sklearn.confusion_matrix(truth, predicted, labels=range(4))
    assert figures["confusion"] == expected.tolist()


def test_cases_without_a_prediction_are_wrong_in_every_figure():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, -1, 1, 0])
    figures = classification_figures(truth, predicted, LABELS)
    assert (figures["n"], figures["accuracy"], figures["macro_recall"]) == (4, 0.5, 0.5)
    assert figures["per_class"]["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert figures["confusion"][0] == [1, 0, 0, 0]


def test_nothing_at_all():
    nothing = np.zeros(0, dtype=np.intp)
    figures = classification_figures(nothing, nothing, LABELS)
    assert (figures["n"], figures["accuracy"], figures["macro_f1"]) == (0, 0, 0)


def test_wilson_interval():
    # Newcombe, Statistics in Medicine 17 (1998), table I.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert wilson_interval(0, 0) == (0, 1)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_interval_holds_the_share(hits, count):
    hits = min(hits, count)
    low, high = wilson_interval(hits, count)
    assert -1e-9 <= low <= hits / count + 1e-9
    assert hits / count - 1e-9 <= high <= 1 + 1e-9


@settings(max_examples=30)
@given(pairs, st.integers(0, 2**32 - 1))
def test_weighted_rates_are_those_of_scikit_learn(both, seed):
    truth, predicted = np.array(both).T
    weights = np.random.default_rng(seed).integers(0, 3, len(truth)).astype(float)
    weights[0] = 1.0
    # The last class stands for no answer.
    matrix = weighted_confusion(truth, np.where(predicted == 3, -1, predicted), 4, weights)
    rates = class_rates(matrix)
    precision, recall, f1, _ = sklearn.precision_recall_fscore_support(
        truth,
        np.where(predicted == 3, 9, predicted),
        labels=range(4),
        sample_weight=weights,
        zero_division=0,
    )
    absent = rates.support == 0
    for found, expected in ((rates.precision, precision), (rates.recall, recall), (rates.f1, f1)):
        assert found[~absent] == pytest.approx(expected[~absent])
    assert np.isnan(rates.recall[absent]).all()
    assert np.isnan(rates.f1[absent]).all()
    never = matrix[:, :4].sum(axis=0) == 0
    assert np.isnan(rates.precision).tolist() == (absent & never).tolist()
    assert matrix.sum() == weights.sum()


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), max_size=40),
)
def test_roc_auc_is_that_of_scikit_learn(cases):
    positive, scores, weights = np.array(cases, dtype=int).reshape(-1, 3).T
    positive, weights = positive.astype(bool), weights.astype(float)
    found = roc_auc(Ranking.of(scores.astype(float)), positive, weights)
    if weights[positive].sum() and weights[~positive].sum():
        expected = sklearn.roc_auc_score(positive, scores, sample_weight=weights)
        assert found == pytest.approx(expected)
    else:
        assert np.isnan(found)
