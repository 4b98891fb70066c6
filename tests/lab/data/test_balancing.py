import numpy as np
import pytest

from mien.core.errors import InputError
from mien_lab.data.balancing import (
    balancing_weights,
    drawn_order,
    effective_share,
    sampling_chances,
)


def test_a_worked_example():
    # Four women, one of them labelled angry; six men, three of them.
    groups = ["f"] * 4 + ["m"] * 6
    labels = [1, 0, 0, 0] + [1] * 3 + [0] * 3
    weights = balancing_weights(groups, labels)
    assert weights[0] == pytest.approx(0.4 * 0.4 / 0.1)
    assert weights[1] == pytest.approx(0.4 * 0.6 / 0.3)
    assert weights[4] == pytest.approx(0.6 * 0.4 / 0.3)
    assert weights[9] == pytest.approx(0.6 * 0.6 / 0.3)
    assert weights.mean() == pytest.approx(1)


def test_groups_and_labels_become_independent():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 3000)
    labels = (rng.integers(0, 4, 3000) + groups * (rng.random(3000) < 0.4)) % 4
    weights = balancing_weights(groups, labels)
    shares = [
        [weights[(groups == group) & (labels == label)].sum() / weights[groups == group].sum()
         for label in range(4)]
        for group in range(3)
    ]  # fmt: skip
    everyone = np.bincount(labels) / 3000
    assert np.allclose(shares, everyone)
    sums = [weights[groups == group].sum() for group in range(3)]
    assert np.allclose(sums, np.bincount(groups))


def test_independent_groups_weigh_the_same():
    assert np.allclose(balancing_weights(["a", "a", "b", "b"], [0, 1, 0, 1]), 1)
    assert effective_share(np.ones(7)) == pytest.approx(1)


def test_where_a_group_lacks_a_label_the_mean_stays_one():
    weights = balancing_weights(["a", "a", "a", "b"], [0, 0, 1, 0])
    assert weights.mean() == pytest.approx(1)
    assert (weights > 0).all()


def test_strength_trades_balance_for_noise():
    groups, labels = ["a"] * 9 + ["b"] * 9, [0] * 8 + [1] + [0] + [1] * 8
    shares = [
        effective_share(balancing_weights(groups, labels, strength=strength))
        for strength in (0, 0.5, 1)
    ]
    assert shares[0] == pytest.approx(1)
    assert shares[0] > shares[1] > shares[2] > 0


def test_groups_are_drawn_equally_often_with_the_same_labels():
    rng = np.random.default_rng(1)
    groups = rng.choice(["a", "b", "c"], 4000, p=[0.7, 0.25, 0.05])
    labels = (rng.integers(0, 3, 4000) + (groups == "b") * (rng.random(4000) < 0.4)) % 3
    chances = sampling_chances(groups, labels)
    assert chances.sum() == pytest.approx(1)
    everyone = np.bincount(labels) / 4000
    for group in "abc":
        of_group = groups == group
        assert chances[of_group].sum() == pytest.approx(1 / 3)
        shares = [chances[of_group & (labels == label)].sum() * 3 for label in range(3)]
        assert shares == pytest.approx(everyone)
    order = drawn_order(chances, 30_000, seed=5)
    found = [float(np.mean(groups[order] == group)) for group in "abc"]
    assert found == pytest.approx([1 / 3] * 3, abs=0.02)
    assert np.array_equal(order, drawn_order(chances, 30_000, seed=5))
    assert not np.array_equal(order, drawn_order(chances, 30_000, seed=6))


def test_without_strength_all_are_drawn_alike():
    assert np.allclose(sampling_chances(["a", "a", "b"], [0, 1, 1], strength=0), 1 / 3)
    # A group that lacks a label comes as often as the others all the same.
    lacking = sampling_chances(["a"] * 4 + ["b"] * 2, [0, 0, 1, 1, 0, 0])
    assert lacking[:4].sum() == pytest.approx(1 / 2)
    with pytest.raises(InputError, match="2 groups and 1 labels"):
        sampling_chances(["a", "b"], [0])


def test_who_is_in_no_group_comes_as_often_as_before():
    chances = sampling_chances(["a", "a", "a", "b", "", ""], [0, 0, 0, 0, 0, 1])
    assert chances * 6 == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2, 1, 1])
    assert np.allclose(sampling_chances(["", ""], [0, 1]), 1 / 2)


def test_one_group_only_leaves_labels_as_they_are():
    labels = [0, 1, 1, 1]
    assert np.allclose(balancing_weights(["a"] * 4, labels), 1)


def test_what_makes_no_weights():
    with pytest.raises(InputError, match="2 groups and 1 labels"):
        balancing_weights(["a", "b"], [0])
    with pytest.raises(InputError, match="0 groups"):
        balancing_weights([], [])
    with pytest.raises(InputError, match="between 0 and 1"):
        balancing_weights(["a"], [0], strength=2)
