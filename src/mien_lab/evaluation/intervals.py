"""Confidence intervals by the bootstrap, of any figures that take weights of the cases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien_lab.evaluation.metrics import wilson_interval

__all__ = [
    "RAISED",
    "SAME",
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
"""Figures by name from the weights (n,) of the cases: how often each was drawn."""

LEAST_DEFINED = 0.9
"""Share of the resamples in which a figure must be defined to be given an interval: one that is
undefined in a tenth of them rests on a handful of samples."""


SAME = 1e-9
"""An interval no wider than this is of draws that are all the same, but for rounding."""

RAISED = frozenset({"expected_calibration_error"})
"""Figures that are means of absolute values, so that every resample adds some."""


@dataclass(frozen=True)
class Intervals:
    """Intervals of figures, and how they were made.

    Attributes:
        values: lower and upper bound by name; None where the figure was defined in too few
            resamples, or is the same in all.
        method: in a sentence.
        level: the share of such intervals that hold the true value.
        resamples: how many.
        seed: of the draws.
    """

    values: dict[str, tuple[float, float] | None]
    method: str
    level: float
    resamples: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values ready for JSON."""
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

    Cases are drawn with replacement within each class, so that every resample has the classes in
    the numbers of the collection. Where subjects are known they are drawn whole instead, since
    pictures of one person are not independent (Field and Welsh, JRSS B 69, 2007).

    A share that is the same in all resamples, such as 0 of 16, does not scatter, however few cases
    it is of: it gets Wilson's interval, where subjects are drawn that of as many cases as there are
    subjects.

    Attributes:
        resamples: how many.
        level: of the intervals.
        seed: of the draws; the same seed gives the same intervals.
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
        """The intervals of all figures that `score` gives.

        Those of `RAISED` are moved by what resampling adds to them; see `lowered`.

        Args:
            score: the figures.
            classes: (n,) true class of each case.
            subjects: (n,) index of who is shown, from 0 without gaps; None where it is not known.
            shares: by the name of each figure that is one, (n,) which cases it is a share of.
        """
        rng = np.random.default_rng(self.seed)
        by_subject = subjects is not None and len(subjects) > 0 and int(subjects.max()) > 0
        draws: dict[str, list[float]] = {}
        strata = [np.flatnonzero(classes == each) for each in np.unique(classes)]
        for _ in range(self.resamples if len(classes) else 0):
            weights = (
                _drawn_subjects(subjects, rng)
                if by_subject and subjects is not None
                else _drawn_cases(strata, len(classes), rng)
            )
            for name, value in score(weights).items():
                draws.setdefault(name, []).append(value)
        method = (
            "percentile bootstrap, subjects drawn whole"
            if by_subject
            else "percentile bootstrap, stratified by true class"
        )
        method += "; Wilson's where a share is the same in all resamples, or seldom defined"
        own = score(np.ones(len(classes))) if draws else {}
        values = {}
        for name, listed in draws.items():
            found = np.array(listed)
            if name in RAISED:
                found = lowered(found, own[name])
            count = 0
            if shares and name in shares:
                cases = np.arange(len(classes)) if not by_subject or subjects is None else subjects
                count = len(np.unique(cases[shares[name]]))
            values[name] = share_interval(found, own[name], count, self.level)
        return Intervals(values, method, self.level, self.resamples, self.seed)


def percentile_interval(
    draws: npt.NDArray[np.floating], level: float = 0.95
) -> tuple[float, float] | None:
    """The percentile interval of a figure's draws; None if too few of them are defined."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < LEAST_DEFINED * len(draws):
        return None
    tail = (1.0 - level) / 2
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)


def share_interval(
    draws: npt.NDArray[np.floating], value: float, count: int, level: float = 0.95
) -> tuple[float, float] | None:
    """The percentile interval of a share's draws; Wilson's if all are the same or few are defined.

    Args:
        draws: (n,) of the bootstrap.
        value: the share.
        count: how many independent cases it is of; of a figure that is no share 0, which then has
            no interval instead of Wilson's, and nor has what is NaN.
        level: of the interval.
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
    """The 95 % interval of a largest difference between groups, which is no test of it.

    Chance raises such a difference, and in each draw once more. So the lower end is that of the
    basic bootstrap, no less than 0, and the upper one that of the percentile bootstrap (Davison and
    Hinkley, "Bootstrap methods and their application", 1997, section 5.2): among equal groups most
    intervals reach 0, among more than three not all.
    """
    found = percentile_interval(draws)
    return None if found is None else (max(2 * value - found[1], 0.0), max(found[1], value))


def smallest_interval(draws: npt.NDArray[np.floating], value: float) -> tuple[float, float] | None:
    """The 95 % interval of the smallest share of some groups, which chance lowers.

    `difference_interval` mirrored: the lower end is that of the percentile bootstrap, and the upper
    one that of the basic bootstrap, no more than 1.
    """
    found = difference_interval(1 - draws, 1 - value)
    return None if found is None else (1 - found[1], 1 - found[0])


def lowered(draws: npt.NDArray[np.floating], value: float) -> Floats:
    """Draws of a figure that cannot be negative, moved so that their mean is its value.

    What resampling adds to such a figure is estimated by how far the draws lie above it (Efron and
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
