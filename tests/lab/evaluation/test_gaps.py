import numpy as np
import pytest

from mien_lab.evaluation.gaps import GroupDraws, compare


def test_intervals_hold_together():
    """With one comparison the reach is that of the normal interval; with many it is wider."""
    rng = np.random.default_rng(0)

    def group(name, share, n):
        draws = rng.binomial(n, share, 20_000) / n
        return GroupDraws("k", name, n, {"accuracy": share}, {"accuracy": draws}, {"accuracy": n})

    two = [group("a", 0.8, 400), group("b", 0.7, 400)]
    (gap,) = compare(two).gaps
    assert gap.size == pytest.approx(0.1)
    assert gap.reach == pytest.approx(1.96 * np.sqrt((0.8 * 0.2 + 0.7 * 0.3) / 400), rel=0.03)
    many = compare([*two, *(group(f"c{index}", 0.75, 400) for index in range(8))])
    assert max(one.reach for one in many.others) > 1.3 * gap.reach
    assert compare(two[:1]).gaps == compare([]).gaps == ()


def test_equal_groups_seldom_seem_unequal():
    """Six equal groups make 15 pairs by ten measures: one in twenty of these would stand out."""
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(60):
        groups = []
        for name in "abcdef":
            values, draws, cases = {}, {}, {}
            for number in range(10):
                measure, share = f"rate {number}", (0.8, 0.02)[number % 2]
                values[measure] = rng.binomial(60, share) / 60
                draws[measure] = rng.binomial(60, values[measure], 300) / 60
                cases[measure] = 60
            groups.append(GroupDraws("kind", name, 60, values, draws, cases))
        false += bool(compare(groups).gaps)
    assert false <= 8


def test_shares_of_nothing_are_not_certain():
    draws = {"accuracy": np.ones(100)}
    groups = [
        GroupDraws("k", "a", 30, {"accuracy": 1.0}, draws, {"accuracy": 30}),
        GroupDraws("k", "b", 30, {"accuracy": 1.0}, draws, {"accuracy": 30}),
    ]
    # No draw differs; the reach is that of Agresti and Caffo for 30 of 30 in both.
    found = compare(groups)
    assert found.gaps == ()
    assert found.others[0].reach == pytest.approx(1.96 * np.sqrt(2 * 31 / 32**3), rel=1e-3)


def test_no_interval_of_a_share_goes_beyond_one():
    draws = {"recall/fear": np.full(100, 0.9)}, {"recall/fear": np.full(100, 0.1)}
    groups = [
        GroupDraws("k", name, 8, {"recall/fear": share}, drawn, {"recall/fear": 8})
        for name, share, drawn in zip("ab", (0.9, 0.1), draws, strict=True)
    ]
    (gap,) = compare(groups).gaps
    assert gap.interval[1] == 1


def test_what_two_groups_share_does_not_scatter():
    rng = np.random.default_rng(0)
    people = rng.normal(0, 0.1, 2000)

    def group(name, share, draws):
        return GroupDraws("k", name, 40, {"accuracy": share}, {"accuracy": draws}, {"accuracy": 40})

    bright, dark = (0.6 + people, 0.5 + people + rng.normal(0, 0.01, 2000))
    (gap,) = compare([group("bright", 0.6, bright), group("dark", 0.5, dark)]).gaps
    # What is left is what two more cases of each of the groups add.
    assert gap.reach == pytest.approx(1.96 * np.sqrt(0.01**2 + 1 / 42**2), rel=0.03)
    others = 0.5 + rng.normal(0, 0.1, 2000)
    assert compare([group("bright", 0.6, bright), group("dark", 0.5, others)]).gaps == ()


@pytest.mark.parametrize("cases", [8, 30, 400])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_groups_that_share_nobody_scatter_as_agresti_and_caffo_say(cases, share):
    spread = np.sqrt(share * (1 - share) / cases)
    draws = np.random.default_rng(0).normal(0, 1, (2, 50_000)) * spread + share
    groups = [
        GroupDraws("k", name, cases, {"accuracy": share}, {"accuracy": drawn}, {"accuracy": cases})
        for name, drawn in zip("ab", draws, strict=True)
    ]
    middle = (share * cases + 1) / (cases + 2)
    least = 1.96 * np.sqrt(2 * middle * (1 - middle) / (cases + 2))
    assert 0.98 * least < compare(groups).others[0].reach < 1.25 * least
