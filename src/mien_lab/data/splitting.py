"""Stratified splits in which no subject and no photograph is in two splits."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from mien.core.errors import InputError
from mien_lab.data.duplicates import joined
from mien_lab.data.samples import Sample, label_indices

__all__ = ["find_groups", "parse_shares", "require_enough", "split_samples"]

MOST_FOLDS = 20
"""Maximum number of folds; every share is a whole number of equal folds."""


def parse_shares(texts: Sequence[str]) -> dict[str, Fraction]:
    """Parse the share of each split, from texts such as `train=0.8`.

    Raises:
        InputError: if a text has another form, a split is named twice, or the shares do not sum
            to 1 or need more than `MOST_FOLDS` folds.
    """
    shares: dict[str, Fraction] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            share = Fraction(number)
        except (ValueError, ZeroDivisionError):
            share = Fraction(0)
        if not name or name in shares or not 0 < share < 1:
            raise InputError(
                f"{text!r} is not a share; name each split once with a share between 0 and 1, as in"
                " train=0.8"
            )
        shares[name] = share
    if sum(shares.values()) != 1:
        raise InputError(f"the shares sum to {float(sum(shares.values())):g}, not to 1")
    _fold_count(shares)
    return shares


def require_enough(samples: Sequence[Sample], shares: Mapping[str, Fraction]) -> None:
    """Check that at least one label has as many samples as the shares need folds.

    Raises:
        InputError: if none has, or the shares are too fine.
    """
    folds = _fold_count(shares)
    counts = Counter(sample.label for sample in samples)
    if folds > max(counts.values(), default=0):
        raise InputError(
            f"no label has the {folds} samples that shares of 1/{folds} need; choose coarser shares"
        )


def find_groups(
    samples: Sequence[Sample], copies: npt.NDArray[np.intp] | None = None
) -> npt.NDArray[np.intp]:
    """Group numbers (n,); a group must not be divided between splits.

    Groups are the connected components of samples with the same subject or photograph. A sample
    without subject and copies is its own group.

    Args:
        samples: samples of a collection.
        copies: (m, 2) pairs of rows that show the same photograph; see `Likeness.edges`.
    """
    first: dict[str, int] = {}
    edges = [
        (row, first.setdefault(sample.subject, row))
        for row, sample in enumerate(samples)
        if sample.subject
    ]
    pairs = np.array(edges, dtype=np.intp).reshape(-1, 2)
    if copies is not None:
        pairs = np.concatenate([pairs, copies])
    return joined(pairs, len(samples))


def split_samples(
    samples: Sequence[Sample],
    shares: Mapping[str, Fraction],
    *,
    seed: int = 0,
    copies: npt.NDArray[np.intp] | None = None,
) -> list[Sample]:
    """Assign new splits, stratified by label as far as groups allow.

    Folds of equal size from scikit-learn's `StratifiedGroupKFold` are merged into splits.

    Args:
        samples: samples of a collection; their present splits are ignored.
        shares: share of the samples by split; they sum to 1.
        seed: seed of the shuffling.
        copies: as for `find_groups`.

    Raises:
        InputError: if the shares are too fine, there are too few groups, or a split is empty.
    """
    folds = _fold_count(shares)
    groups = find_groups(samples, copies)
    found = len(np.unique(groups))
    if found < folds:
        raise InputError(
            f"{found} subjects or groups of copies are too few to make shares of 1/{folds}; "
            "choose coarser shares"
        )
    require_enough(samples, shares)
    fold = _folds(label_indices(samples), groups, folds, seed)
    names = [name for name, share in shares.items() for _ in range(int(share * folds))]
    chosen = [replace(sample, split=names[fold[row]]) for row, sample in enumerate(samples)]
    if missing := sorted(set(shares) - {sample.split for sample in chosen}):
        raise InputError(
            f"{missing[0]} would be empty, since some groups are larger than its share; choose "
            "coarser shares"
        )
    return chosen


def _fold_count(shares: Mapping[str, Fraction]) -> int:
    for folds in range(2, MOST_FOLDS + 1):
        if all((share * folds).denominator == 1 for share in shares.values()):
            return folds
    raise InputError("the shares are not multiples of 5 % or of a larger unit; round them")


def _folds(
    labels: npt.NDArray[np.int64], groups: npt.NDArray[np.intp], folds: int, seed: int
) -> npt.NDArray[np.intp]:
    """The fold of each sample, (n,)."""
    maker = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = np.zeros(len(labels), dtype=np.intp)
    with warnings.catch_warnings():
        # Classes with fewer samples than folds raise a warning; the figures show where they are.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, chosen) in enumerate(maker.split(labels, labels, groups)):
            fold[chosen] = number
    return fold
