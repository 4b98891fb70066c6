import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mien.core.labels import EMOTIONS
from mien.models.calibration import prediction_sets, ranked_set, softmax

logit_rows = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.just(8)),
    elements=st.floats(-30, 30, width=32),
)


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


def test_the_pages_give_the_same_sets():
    shared = json.loads((Path(__file__).parents[2] / "web/tests/judgement.json").read_text())
    for case in shared["sets"]:
        assert ranked_set(np.array(case["probabilities"]), case["quantile"]) == tuple(case["set"])
    assert len(shared["sets"]) > 5
