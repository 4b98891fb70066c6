"""Bootstrap intervals: seeded, stratified, by subject, and of the width they should have."""

import numpy as np
import pytest

from mien_lab.evaluation.intervals import (
    Bootstrap,
    difference_interval,
    lowered,
    smallest_interval,
)
from mien_lab.evaluation.metrics import wilson_interval


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
        assert [weights[classes == each].sum() for each in (0, 2, 4)] == [30, 5, 1]
        return {}

    assert Bootstrap(50).intervals(supports, classes).values == {}


@pytest.mark.parametrize(("hits", "count"), [(0, 16), (44, 44), (1, 1)])
def test_a_share_that_does_not_scatter_has_wilsons_interval(hits, count):
    from scipy.stats import binomtest

    right = np.arange(count) < hits
    everything = {"share": np.ones(count, bool)}
    found = Bootstrap(50, level=0.9).intervals(share(right), np.zeros(count, int), None, everything)
    own = binomtest(hits, count).proportion_ci(0.9, method="wilson")
    assert found.values["share"] == pytest.approx((own.low, own.high))
    assert "Wilson's where a share is the same in all resamples" in found.method
    # What is no share has none: that all draws are alike says nothing of how it scatters.
    alone = Bootstrap(50).intervals(share(right), np.zeros(count, int))
    assert alone.values == {"share": None}


def test_a_share_of_few_people_is_as_sure_as_of_so_many_cases():
    subjects = np.repeat(np.arange(4), 25)
    everything = {"share": subjects < 3}
    found = Bootstrap(50).intervals(share(np.ones(100)), subjects % 2, subjects, everything)
    assert found.values["share"] == pytest.approx(wilson_interval(3, 3))


@pytest.mark.parametrize(("groups", "reached"), [(2, 0.9), (3, 0.85), (8, 0.6)])
def test_largest_differences_of_equal_groups_mostly_reach_zero(groups, reached):
    rng = np.random.default_rng(groups)
    lows = []
    for _ in range(200):
        shares = rng.binomial(75, np.full(groups, 0.8)) / 75
        draws = np.ptp(rng.binomial(75, shares, (300, groups)) / 75, axis=1)
        low, high = difference_interval(draws, np.ptp(shares))
        assert low <= np.ptp(shares) <= high
        lows.append(low)
    assert np.mean(np.array(lows) < 0.005) > reached


def test_the_interval_of_a_largest_difference_holds_it():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        shares = rng.binomial(75, [0.8, 0.8, 0.5]) / 75
        draws = np.ptp(rng.binomial(75, shares, (300, 3)) / 75, axis=1)
        low, high = difference_interval(draws, np.ptp(shares))
        held.append(low <= 0.3 <= high)
    assert np.mean(held) > 0.9


def test_the_interval_of_the_group_read_worst_holds_what_all_are_read():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(300):
        shares = rng.binomial(1000, [0.88] * 3) / 1000
        draws = rng.binomial(1000, shares, (300, 3)).min(axis=1) / 1000
        low, high = smallest_interval(draws, shares.min())
        assert low == pytest.approx(np.quantile(draws, 0.025))
        assert high == pytest.approx(min(2 * shares.min() - low, 1))
        held.append(low <= 0.88 <= high)
    assert np.mean(held) > 0.9
    assert smallest_interval(np.array([0.9, 1.0]), 1.0)[1] == 1
    assert smallest_interval(np.full(10, np.nan), 0.5) is None


def test_a_difference_that_does_not_scatter_has_no_interval():
    # Such as that of a label which no group of any draw is said to show.
    for value in (0.0, 0.3):
        assert difference_interval(np.full(10, value), value) is None
        assert smallest_interval(np.full(10, value), value) is None


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
    values = iter([float("nan")] * 6 + [1.0, 2.0] * 8)
    found = Bootstrap(20).intervals(lambda _: {"rare": next(values)}, np.zeros(3, int))
    assert found.values == {"rare": None}
    assert found.to_dict()["values"] == {"rare": None}
    assert Bootstrap(20).intervals(share(np.zeros(0)), np.zeros(0, int)).values == {}


def test_an_undefined_draw_costs_no_interval():
    assert np.allclose(
        lowered(np.array([0.2, np.nan, 0.4]), 0.2), [0.1, np.nan, 0.3], equal_nan=True
    )
