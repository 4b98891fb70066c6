"""Weights and draws that make groups and labels independent: training sees no group's habit."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.core.errors import InputError

__all__ = [
    "BALANCINGS",
    "balancing_weights",
    "drawn_order",
    "effective_share",
    "sampling_chances",
]

BALANCINGS = ("weights", "sampling")
"""How faces of groups are balanced: each counts for more or less, or comes more or less often."""


def balancing_weights(
    groups: Sequence[str] | npt.NDArray[np.generic],
    labels: Sequence[object] | npt.NDArray[np.generic],
    *,
    strength: float = 1.0,
) -> npt.NDArray[np.float64]:
    """The weight of each sample, (n,), by reweighing.

    P(group) P(label) / P(group, label), so that under the weights each group has the labels in the
    shares that all samples together have them (Kamiran and Calders, "Data preprocessing techniques
    for classification without discrimination", Knowledge and Information Systems 33, 2012). The
    mean is 1 where every group has every label, and made 1 where not: what is not there cannot be
    weighted up.

    Args:
        groups: (n,) of each sample.
        labels: (n,) of each sample.
        strength: exponent from 0, no weights, to 1, independence; the trade-off between the two is
            `effective_share`.

    Raises:
        InputError: if the two are not of the same length, empty, or the strength is not 0 to 1.
    """
    _check(len(groups), len(labels), strength)
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    _, label = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(counts, (group, label), 1)
    expected = counts.sum(axis=1)[group] * counts.sum(axis=0)[label] / len(group)
    weights = (expected / counts[group, label]) ** strength
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def sampling_chances(
    groups: Sequence[str] | npt.NDArray[np.generic],
    labels: Sequence[object] | npt.NDArray[np.generic],
    *,
    strength: float = 1.0,
) -> npt.NDArray[np.float64]:
    """The chance of each sample to be drawn, (n,), summing to 1, so that groups come equally often.

    Within each group labels come as often as over all samples, as `balancing_weights` has it; what
    a group lacks cannot be drawn. A sample of no group, whose name is empty, has the chance that it
    has where all are alike. Drawing in place of weighting keeps the size of each step's gradient,
    and repeats the samples of small groups instead (Idrissi et al., "Simple data balancing achieves
    competitive worst-group-accuracy", CLeaR 2022).

    Args:
        groups: (n,) of each sample; empty for none.
        labels: (n,) of each sample.
        strength: exponent from 0, all alike, to 1, groups equally often.

    Raises:
        InputError: as `balancing_weights`.
    """
    _check(len(groups), len(labels), strength)
    names, known = np.asarray(groups), np.asarray(groups).astype(str) != ""
    chances = np.ones(len(names))
    if known.any():
        weights = balancing_weights(names[known], np.asarray(labels)[known], strength=strength)
        _, group = np.unique(names[known], return_inverse=True)
        # Not by size: a group that lacks a label weighs less than it has samples.
        weights = weights / np.bincount(group, weights)[group] ** strength
        chances[known] = weights / weights.mean()
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def drawn_order(chances: npt.NDArray[np.float64], count: int, seed: int) -> npt.NDArray[np.intp]:
    """Rows (count,) in the order of an epoch, drawn with replacement; the same for the same seed.

    Args:
        chances: (n,) of each row, summing to 1.
        count: how many.
        seed: of the epoch.
    """
    return np.random.default_rng(seed).choice(len(chances), count, p=chances)


def effective_share(weights: npt.NDArray[np.floating]) -> float:
    """Of n weighted samples, the share that as many equal ones would be worth, 0 to 1.

    Kish's effective sample size by n ("Survey sampling", 1965): what weighting costs in noise.
    """
    return float(weights.sum() ** 2 / (len(weights) * (weights**2).sum()))


def _check(groups: int, labels: int, strength: float) -> None:
    if groups != labels or not groups:
        raise InputError(
            f"{groups} groups and {labels} labels make no weights; give one of each for every "
            "sample"
        )
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"the strength of weights must lie between 0 and 1, not {strength}")
