import numpy as np
import pytest

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.group_sums import (
    LEAST_CASES,
    LEAST_PEOPLE,
    cases_of,
    common_mix,
    figures_of,
    lacks_label,
    rate_name,
    same_mix_cases,
    sample_sums,
)
from mien_lab.evaluation.predictions import Predictions

FIRST, SECOND, THIRD = EMOTIONS[:3]


def readings(*cases):
    """Predictions by what is true, what is said and how surely; no face where nothing is said."""
    rows = np.zeros((len(cases), 8))
    for row, (_, said, confidence) in zip(rows, cases, strict=True):
        if said is not None:
            row[:] = (1 - confidence) / 7
            row[said] = confidence
    truth = np.array([true for true, _, _ in cases])
    return Predictions(tuple(map(str, range(len(cases)))), truth, rows)


def shown(*labels):
    """The sums of a group that shows labels so often, all read rightly."""
    cases = [(label, label, 0.9) for label, count in labels for _ in range(count)]
    return sample_sums(readings(*cases)).sum(axis=0)


@pytest.fixture
def sums():
    """Of two faces of the first label and two of the second, one of which is not found."""
    return sample_sums(readings((0, 0, 0.8), (0, 1, 0.6), (1, 1, 0.9), (1, None, 0)))


def test_figures_by_hand(sums):
    found = figures_of(sums.sum(axis=0))
    assert found["accuracy"] == 0.5
    assert found["missed"] == 0.25
    assert found["confidence_minus_accuracy"] == pytest.approx(2.3 / 3 - 2 / 3)
    # Each face is in a bin of its own.
    assert found["expected_calibration_error"] == pytest.approx((0.2 + 0.6 + 0.1) / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found[rate_name("recall", SECOND)] == 0.5
    assert found[rate_name("false_positive_rate", SECOND)] == 0.5
    assert found[rate_name("selection_rate", SECOND)] == 0.5


def test_a_face_that_is_not_found_is_called_nothing(sums):
    found = figures_of(sums.sum(axis=0))
    chosen = sum(found[rate_name("selection_rate", emotion)] for emotion in EMOTIONS)
    assert chosen == pytest.approx(3 / 4)


def test_what_nobody_shows_has_no_recall(sums):
    found = figures_of(sums.sum(axis=0))
    assert np.isnan(found[rate_name("recall", THIRD)])
    assert found[rate_name("false_positive_rate", THIRD)] == 0
    assert all(np.isnan(value) for value in figures_of(0 * sums[0]).values())


def test_all_draws_have_figures_at_once(sums):
    draws = np.stack([sums.sum(axis=0), sums[:2].sum(axis=0)])
    together, alone = figures_of(draws), figures_of(draws[1])
    for name, values in together.items():
        assert values[1] == pytest.approx(float(alone[name]), nan_ok=True), name


def test_cases_are_what_a_share_is_of(sums):
    cases = cases_of(sums.sum(axis=0))
    assert (cases["accuracy"], cases["confidence_minus_accuracy"]) == (4, 3)
    assert cases[rate_name("recall", FIRST)] == 2
    assert cases[rate_name("false_positive_rate", THIRD)] == 4
    assert cases.keys() <= figures_of(sums.sum(axis=0)).keys()


def test_the_common_mix_is_of_labels_that_each_group_shows_often():
    one = shown((0, 3 * LEAST_CASES), (1, LEAST_CASES), (2, LEAST_CASES))
    other = shown((0, LEAST_CASES), (1, LEAST_CASES), (2, LEAST_CASES - 1))
    totals = np.stack([one, other])
    assert common_mix(totals)[:3].tolist() == pytest.approx([4 / 6, 2 / 6, 0])
    people = np.full((2, 8), LEAST_PEOPLE)
    assert common_mix(totals, people) == pytest.approx(common_mix(totals))
    people[1, 1] -= 1
    assert common_mix(totals, people).tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert not common_mix(totals, 0 * people).any()


def test_a_mix_of_labels_is_of_fewer_cases_than_its_sum():
    cases = np.array([190, 10, 40, 0, 0, 0, 0, 0])
    assert same_mix_cases(cases, cases / cases.sum()) == pytest.approx(240)
    assert same_mix_cases(cases, np.eye(8)[1]) == pytest.approx(10)
    mix = np.array([0.2, 0.8, 0, 0, 0, 0, 0, 0])
    # A share of that many cases scatters as the weighted sum of recalls does.
    recalls = np.random.default_rng(0).binomial([190, 10], 0.8, (20000, 2)) / [190, 10]
    expected = 0.8 * 0.2 / (recalls @ mix[:2]).var()
    assert same_mix_cases(cases, mix) == pytest.approx(expected, rel=0.05)
    assert same_mix_cases(cases, np.zeros(8)) == 0


def test_a_draw_lacks_a_label_that_the_group_has():
    draws = np.stack([shown((0, 2), (1, 1)), shown((0, 3)), shown((0, 1), (1, 2)), shown((1, 3))])
    assert lacks_label(draws).tolist() == [False, True, False, True]
