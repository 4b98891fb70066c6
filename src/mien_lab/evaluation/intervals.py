"""Bootstrap confidence intervals of figures that are functions of case weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien_lab.evaluation.metrics import wilson_interval

__all__ = [
    "RAISED",
    "Bootstrap",
    "Intervals",
    "difference_interval",
    "lowered",
    "percentile_interval",
    "share_interval",
    "smallest_interval",
]

Floats = npt.NDArray[np.float64]
Score = Callable[[Floats], Mapping[str, float]]
"""Figures by name as a function of case weights (n,): how often each case was drawn."""

LEAST_DEFINED = 0.9
"""Minimum share of resamples in which a figure is defined for it to have an interval.

A figure that is undefined in a tenth of them depends on a few samples.
"""


SAME = 1e-9
"""Maximum width of an interval whose draws count as equal, up to rounding."""

RAISED = frozenset({"expected_calibration_error"})
"""Figures that resampling biases upwards, as means of absolute values; see `lowered`."""


@dataclass(frozen=True)
class Intervals:
    """Confidence intervals of figures, and their method.

    Attributes:
        values: lower and upper bound by name; None if the figure is defined in too few resamples,
            or constant and not a share.
        method: description of the method.
        level: confidence level.
        resamples: number of resamples.
        seed: seed of the draws.
    """

    values: dict[str, tuple[float, float] | None]
    method: str
    level: float
    resamples: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": self.method,
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
            "values": {
                name: None if pair is None else list(pair) for name, pair in self.values.items()
            },
        }


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13).

    Cases are resampled within each class (stratified). If subjects are known, whole subjects are
    resampled instead (cluster bootstrap), since pictures of one person are not independent (Field
    and Welsh, JRSS B 69, 2007).

    A share that is equal in all resamples, such as 0 of 16, gets Wilson's interval, with the
    number of subjects as the number of cases if subjects are resampled.

    Attributes:
        resamples: number of resamples.
        level: confidence level.
        seed: seed of the draws.
    """

    resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def intervals(
        self,
        score: Score,
        classes: npt.NDArray[np.integer],
        subjects: npt.NDArray[np.integer] | None = None,
        shares: Mapping[str, npt.NDArray[np.bool_]] | None = None,
    ) -> Intervals:
        """The intervals of all figures of `score`.

        Those of `RAISED` are corrected for the bias of resampling; see `lowered`.

        Args:
            score: function from case weights to figures.
            classes: (n,) true class of each case.
            subjects: (n,) subject indices, from 0 without gaps; None if unknown.
            shares: mask (n,) of the cases in the denominator, by name of each share.
        """
        rng = np.random.default_rng(self.seed)
        if subjects is not None and not subjects.any():
            subjects = None  # a single subject cannot be resampled
        draws: dict[str, list[float]] = {}
        strata = [np.flatnonzero(classes == each) for each in np.unique(classes)]
        for _ in range(self.resamples if len(classes) else 0):
            weights = (
                _drawn_cases(strata, len(classes), rng)
                if subjects is None
                else _drawn_subjects(subjects, rng)
            )
            for name, value in score(weights).items():
                draws.setdefault(name, []).append(value)
        method = (
            "percentile bootstrap, stratified by true class"
            if subjects is None
            else "percentile bootstrap, subjects drawn whole"
        )
        method += "; Wilson's where a share is the same in all resamples, or seldom defined"
        own = score(np.ones(len(classes))) if draws else {}
        cases = np.arange(len(classes)) if subjects is None else subjects
        values = {}
        for name, listed in draws.items():
            found = np.array(listed)
            if name in RAISED:
                found = lowered(found, own[name])
            count = 0
            if shares and name in shares:
                count = len(np.unique(cases[shares[name]]))
            values[name] = share_interval(found, own[name], count, self.level)
        return Intervals(values, method, self.level, self.resamples, self.seed)


def percentile_interval(
    draws: npt.NDArray[np.floating], level: float = 0.95
) -> tuple[float, float] | None:
    """The percentile interval of draws; None if too few of them are finite."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < LEAST_DEFINED * len(draws):
        return None
    tail = (1.0 - level) / 2
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)


def share_interval(
    draws: npt.NDArray[np.floating], value: float, count: int, level: float = 0.95
) -> tuple[float, float] | None:
    """The percentile interval of draws; Wilson's if they are equal or too few are finite.

    Args:
        draws: (n,) bootstrap draws.
        value: the share.
        count: number of independent cases; 0 for a figure that is not a share, which has no
            interval (None) instead of Wilson's. The same holds if `value` is NaN.
        level: confidence level.
    """
    found = percentile_interval(draws, level)
    if found is not None and found[1] - found[0] > SAME:
        return found
    if not count or not np.isfinite(value):
        return None
    return wilson_interval(value * count, count, level)


def difference_interval(
    draws: npt.NDArray[np.floating], value: float
) -> tuple[float, float] | None:
    """The 95 % interval of a largest difference between groups; it is not a significance test.

    Such a difference is biased upwards, and once more in each resample. The lower end is therefore
    that of the basic bootstrap, at least 0, and the upper end that of the percentile bootstrap
    (Davison and Hinkley, "Bootstrap methods and their application", 1997, section 5.2). Among equal
    groups most intervals reach 0, but not all if there are more than three. None if all draws are
    equal, as of rates of 0 or 1, or too few are finite.
    """
    found = share_interval(draws, value, 0)
    return None if found is None else (max(2 * value - found[1], 0.0), max(found[1], value))


def smallest_interval(draws: npt.NDArray[np.floating], value: float) -> tuple[float, float] | None:
    """The 95 % interval of the smallest share among groups, which is biased downwards.

    It mirrors `difference_interval`: the lower end is that of the percentile bootstrap, the upper
    end that of the basic bootstrap, at most 1. None as there.
    """
    found = difference_interval(1 - draws, 1 - value)
    return None if found is None else (1 - found[1], 1 - found[0])


def lowered(draws: npt.NDArray[np.floating], value: float) -> Floats:
    """Bias-corrected draws of a non-negative figure: shifted to its value, and clipped at 0.

    The bias of resampling is estimated by the mean of the draws minus the value (Efron and
    Tibshirani 1993, ch. 10).
    """
    if not np.isfinite(draws).any():
        return np.asarray(draws, np.float64)
    return np.asarray(np.maximum(draws - (np.nanmean(draws) - value), 0.0), np.float64)


def _drawn_cases(
    strata: list[npt.NDArray[np.intp]], count: int, rng: np.random.Generator
) -> Floats:
    weights = np.zeros(count)
    for rows in strata:
        weights[rows] = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows))
    return weights


def _drawn_subjects(subjects: npt.NDArray[np.integer], rng: np.random.Generator) -> Floats:
    people = int(subjects.max()) + 1
    times = np.bincount(rng.integers(0, people, people), minlength=people)
    return np.asarray(times[subjects], np.float64)
