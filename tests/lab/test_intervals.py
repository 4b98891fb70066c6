"""Bootstrap intervals: seeded, stratified, by subject, and of the width they should have."""

import numpy as np
import pytest

from mien_lab.evaluation.intervals import Bootstrap


def share(hits):
    return lambda weights: {"share": float(weights @ hits / weights.sum())}


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution():
    from scipy.stats import norm

    hits = np.arange(400) < 280
    found = Bootstrap(2000).intervals(share(hits), np.zeros(400, int)).values["share"]
    spread = norm.ppf(0.975) * np.sqrt(0.7 * 0.3 / 400)
    assert found == pytest.approx((0.7 - spread, 0.7 + spread), abs=0.006)


def test_the_same_seed_gives_the_same_intervals():
    hits = np.arange(50) % 3 == 0
    classes = np.arange(50) % 2
    first, again, other = (
        Bootstrap(100, seed=seed).intervals(share(hits), classes).to_dict() for seed in (1, 1, 2)
    )
    assert first == again
    assert first["values"] != other["values"]
    assert (first["level"], first["resamples"], first["seed"]) == (0.95, 100, 1)
    assert "stratified by true class" in first["method"]


def test_every_resample_has_the_classes_in_their_numbers():
    classes = np.array([0] * 30 + [4] + [2] * 5)

    def supports(weights):
        return {str(each): weights[classes == each].sum() for each in (0, 2, 4)}

    found = Bootstrap(50).intervals(supports, classes).values
    assert found == {"0": (30, 30), "2": (5, 5), "4": (1, 1)}


def test_subjects_are_drawn_whole():
    subjects = np.repeat(np.arange(10), 20)
    seen = []

    def score(weights):
        seen.append(weights)
        return share(subjects < 5)(weights)

    found = Bootstrap(300).intervals(score, subjects % 2, subjects)
    assert "subjects" in found.method
    for weights in seen:
        assert all(len(set(weights[subjects == each])) == 1 for each in range(10))
    # Ten people, not two hundred pictures: far wider than if pictures were drawn.
    low, high = found.values["share"]
    assert high - low > 0.4
    one = Bootstrap(5).intervals(share(subjects < 5), subjects % 2, np.zeros(200, int))
    assert "stratified" in one.method


def test_what_is_seldom_defined_has_no_interval():
    values = iter([float("nan")] * 6 + [1.0] * 14)
    found = Bootstrap(20).intervals(lambda _: {"rare": next(values)}, np.zeros(3, int))
    assert found.values == {"rare": None}
    assert found.to_dict()["values"] == {"rare": None}
    assert Bootstrap(20).intervals(share(np.zeros(0)), np.zeros(0, int)).values == {}
