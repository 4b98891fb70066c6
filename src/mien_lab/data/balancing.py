"""Sample weights and sampling probabilities that make labels independent of groups in training."""

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
"""How groups are balanced: by loss weights per sample, or by resampling."""


def balancing_weights(
    groups: Sequence[str] | npt.NDArray[np.generic],
    labels: Sequence[object] | npt.NDArray[np.generic],
    *,
    strength: float = 1.0,
) -> npt.NDArray[np.float64]:
    """Sample weights (n,) by reweighing.

    The weight is P(group) P(label) / P(group, label), so that every group has the same weighted
    label distribution as the whole set (Kamiran and Calders, "Data preprocessing techniques for
    classification without discrimination", Knowledge and Information Systems 33, 2012). Weights
    are normalised to mean 1; this changes them only if a (group, label) cell is empty or
    `strength` is below 1.

    Args:
        groups: (n,) group of each sample.
        labels: (n,) label of each sample.
        strength: exponent on the weights, from 0 (all equal) to 1 (independence); see
            `effective_share` for its cost.

    Raises:
        InputError: if lengths differ or are 0, or the strength is outside 0 to 1.
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
    """Sampling probabilities (n,), summing to 1, under which groups are equally frequent.

    Within a group, labels follow their distribution over all samples, as in `balancing_weights`;
    labels that a group lacks cannot be drawn. Samples without a group keep the uniform
    probability. Resampling keeps the gradient scale of each step, which weighting does not, and
    repeats samples of small groups (Idrissi et al., "Simple data balancing achieves competitive
    worst-group-accuracy", CLeaR 2022).

    Args:
        groups: (n,) group of each sample; an empty string means none.
        labels: (n,) label of each sample.
        strength: exponent from 0 (uniform) to 1 (groups equally frequent).

    Raises:
        InputError: as for `balancing_weights`.
    """
    _check(len(groups), len(labels), strength)
    names, known = np.asarray(groups), np.asarray(groups).astype(str) != ""
    chances = np.ones(len(names))
    if known.any():
        weights = balancing_weights(names[known], np.asarray(labels)[known], strength=strength)
        _, group = np.unique(names[known], return_inverse=True)
        # Normalise by the summed weight, which is below the group's size if a label is missing.
        weights = weights / np.bincount(group, weights)[group] ** strength
        chances[known] = weights / weights.mean()
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def drawn_order(chances: npt.NDArray[np.float64], count: int, seed: int) -> npt.NDArray[np.intp]:
    """Row indices (count,) of an epoch, drawn with replacement; deterministic for a seed.

    Args:
        chances: (n,) probability of each row, summing to 1.
        count: number of draws.
        seed: seed of the epoch.
    """
    return np.random.default_rng(seed).choice(len(chances), count, p=chances)


def effective_share(weights: npt.NDArray[np.floating]) -> float:
    """Kish's effective sample size divided by n, 0 to 1 ("Survey sampling", 1965).

    It measures how much weighting increases the variance.
    """
    return float(weights.sum() ** 2 / (len(weights) * (weights**2).sum()))


def _check(groups: int, labels: int, strength: float) -> None:
    if groups != labels or not groups:
        raise InputError(
            f"{groups} groups and {labels} labels cannot be balanced; give one of each for every "
            "sample"
        )
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"the strength of balancing must be between 0 and 1, not {strength}")
