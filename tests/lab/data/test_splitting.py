"""Splits that keep subjects and copies together."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("sklearn")

from mien.core.errors import InputError
from mien.core.labels import EMOTIONS
from mien_lab.data.samples import Sample
from mien_lab.data.splitting import find_groups, parse_shares, split_samples

SHARES = {"train": Fraction(8, 10), "val": Fraction(1, 10), "test": Fraction(1, 10)}


@pytest.fixture
def samples():
    """Sixty subjects with five to fourteen pictures, of labels that are not equally common."""
    rng = np.random.default_rng(0)
    weights = np.array([8, 8, 4, 4, 3, 2, 2, 1]) / 32
    return [
        Sample(f"{subject}-{number}", EMOTIONS[rng.choice(8, p=weights)], subject=f"S{subject}")
        for subject in range(60)
        for number in range(5 + subject % 10)
    ]


def splits_of(samples):
    found = {}
    for sample in samples:
        found.setdefault(sample.subject, set()).add(sample.split)
    return found


def test_no_subject_is_on_two_sides(samples):
    divided = split_samples(samples, SHARES, seed=1)
    assert [sample.name for sample in divided] == [sample.name for sample in samples]
    assert all(len(splits) == 1 for splits in splits_of(divided).values())
    sizes = Counter(sample.split for sample in divided)
    for split, share in SHARES.items():
        assert sizes[split] / len(samples) == pytest.approx(float(share), abs=0.04)


def test_classes_are_spread_by_the_shares(samples):
    divided = split_samples(samples, SHARES, seed=1)
    total = Counter(sample.label for sample in divided)
    held = Counter(sample.label for sample in divided if sample.split == "test")
    for label in EMOTIONS:
        assert held[label] / total[label] == pytest.approx(0.1, abs=0.08), label


def test_the_seed_decides(samples):
    one, same, other = (split_samples(samples, SHARES, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert [s.split for s in one] != [s.split for s in other]


def test_copies_stay_together(samples):
    """Joined across subjects too: one person under two names."""
    copies = np.array([[0, len(samples) - 1], [10, 200]])
    for seed in range(3):
        divided = split_samples(samples, SHARES, seed=seed, copies=copies)
        for one, other in copies:
            assert divided[one].split == divided[other].split
        assert all(len(splits) == 1 for splits in splits_of(divided).values())


def test_groups():
    samples = [Sample(str(n), None, subject=s) for n, s in enumerate(["a", "", "b", "a", "", ""])]
    groups = find_groups(samples, np.array([[1, 2], [4, 5]]))
    same = groups[:, None] == groups
    expected = [{0, 3}, {1, 2}, {4, 5}]
    assert [set(np.flatnonzero(row).tolist()) for row in same[[0, 1, 4]]] == expected


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ({"a": Fraction(1, 3), "b": Fraction(2, 3)}, None),
        ({"a": Fraction(37, 100), "b": Fraction(63, 100)}, "multiples of 5 %"),
        ({"a": Fraction(1, 20), "b": Fraction(19, 20)}, "4 subjects or groups .* too few"),
    ],
)
def test_shares_that_can_be_made(shares, sentence):
    few = [Sample(str(n), EMOTIONS[n % 2], subject=str(n % 4)) for n in range(80)]
    if sentence is None:
        assert {s.split for s in split_samples(few, shares)} == {"a", "b"}
        return
    with pytest.raises(InputError, match=sentence):
        split_samples(few, shares)


def test_labels_too_few_to_share():
    few = [Sample(str(n), EMOTIONS[n % 8]) for n in range(24)]
    with pytest.raises(InputError, match="no label has the 10 samples"):
        split_samples(few, SHARES)


def test_shares_by_name():
    assert parse_shares(["a=0.9", "b=1/10"]) == {"a": Fraction(9, 10), "b": Fraction(1, 10)}
    for texts, sentence in (
        (["a=0.5", "b=0.4"], "sum to 0.9, not to 1"),
        (["a=0.5", "a=0.5"], "'a=0.5' is not a share"),
        (["a=x", "b=0.5"], "'a=x' is not a share"),
        (["a", "b=1"], "'a' is not a share"),
        (["=0.5", "b=0.5"], "'=0.5' is not a share"),
        (["a=1/0"], "'a=1/0' is not a share"),
        (["a=0.37", "b=0.63"], "multiples of 5 %"),
    ):
        with pytest.raises(InputError, match=sentence):
            parse_shares(texts)
