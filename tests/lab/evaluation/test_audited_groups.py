from dataclasses import replace

import numpy as np
import pytest

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.audited_groups import AuditedGroup, group_differences
from mien_lab.evaluation.group_sums import LEAST_CASES, LEAST_PEOPLE, rate_name
from mien_lab.evaluation.metrics import wilson_interval

HEADLINES = (
    "accuracy",
    "accuracy_same_mix",
    "macro_f1",
    "missed",
    "confidence_minus_accuracy",
    "expected_calibration_error",
)
RATES = tuple(
    rate_name(rate, emotion)
    for rate in ("false_positive_rate", "recall", "selection_rate")
    for emotion in EMOTIONS
)


def group(name, value, *, cases=None, independent=None, n=100):
    measures = (*HEADLINES, *RATES)
    scatter = value + np.linspace(-0.05, 0.05, 41)
    return AuditedGroup(
        name,
        n,
        None,
        dict.fromkeys(measures, value),
        dict.fromkeys(measures, scatter),
        dict.fromkeys(measures, float(n)) | (cases or {}),
        dict.fromkeys(measures, n) | (independent or {}),
        np.eye(8)[0],
    )


def test_cases_of_one_person_are_one_case():
    one = group("a", 0.5, independent={"accuracy": 3})
    assert one.weight("accuracy") == 3
    assert one.weight("macro_f1") == 100


@pytest.mark.parametrize(
    ("cases", "people", "enough"),
    [
        (LEAST_CASES, LEAST_PEOPLE, True),
        (LEAST_CASES - 1, LEAST_PEOPLE, False),
        (LEAST_CASES, LEAST_PEOPLE - 1, False),
    ],
)
def test_what_rests_on_little_is_not_compared(cases, people, enough):
    recall = rate_name("recall", EMOTIONS[0])
    few = group("a", 0.5, cases={recall: float(cases)}, independent={recall: people})
    assert few.suffices(recall) is enough
    assert (recall in few.comparable("age").values) is enough
    found = group_differences([few, group("b", 0.7)])["equalised_odds"][EMOTIONS[0].value]
    assert (found is not None) is enough


def test_what_is_no_number_is_not_compared():
    odd = group("a", float("nan"))
    assert not odd.comparable("age").values
    assert odd.figures()["accuracy"] == {"value": None, "interval": None}


def test_differences_are_the_largest_value_minus_the_smallest():
    found = group_differences([group("a", 0.5), group("b", 0.9), group("c", 0.6)])
    assert found["accuracy"]["value"] == pytest.approx(0.4)
    assert group_differences([group("a", 0.5)])["accuracy"] is None


@pytest.mark.parametrize("recall", [0.0, 1.0])
def test_a_label_that_does_not_scatter_widens_accuracy_at_the_same_mix(recall):
    name = rate_name("recall", EMOTIONS[1])
    plain = group("a", 0.9, independent={name: 10})
    mixed = replace(plain, mix=np.array([0.2, 0.8, 0, 0, 0, 0, 0, 0]))
    low, high = plain.same_mix_interval()
    assert mixed.same_mix_interval() == (low, high)
    still = replace(mixed, values=mixed.values | {name: recall})
    ends = wilson_interval(recall * 10, 10)
    reach = [0.8 * abs(recall - end) for end in ends]
    assert still.same_mix_interval() == pytest.approx(
        (0.9 - np.hypot(0.9 - low, reach[0]), min(0.9 + np.hypot(high - 0.9, reach[1]), 1))
    )
    # A label outside the mix does not matter.
    outside = replace(still, mix=np.eye(8)[0])
    assert outside.same_mix_interval() == (low, high)


def test_macro_f1_has_no_interval_where_a_label_is_rare():
    assert group("a", 0.5).figures()["macro_f1"]["interval"] is not None
    rare = group("a", 0.5, cases={rate_name("recall", EMOTIONS[7]): 4.0})
    assert rare.figures()["macro_f1"]["interval"] is None


def test_draws_of_the_calibration_error_alone_are_lowered():
    raised = 0.6 + np.linspace(-0.05, 0.05, 41)
    one = group("a", 0.5)
    measures = dict.fromkeys(("accuracy", "expected_calibration_error"), raised)
    figures = replace(one, draws=one.draws | measures).figures()
    assert np.mean(figures["expected_calibration_error"]["interval"]) == pytest.approx(0.5)
    assert np.mean(figures["accuracy"]["interval"]) == pytest.approx(0.6)
