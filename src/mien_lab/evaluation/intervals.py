"""Confidence intervals by the bootstrap, of any figures that take weights of the cases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RAISED", "Bootstrap", "Intervals", "lowered", "percentile_interval"]

Floats = npt.NDArray[np.float64]
Score = Callable[[Floats], Mapping[str, float]]
"""Figures by name from the weights (n,) of the cases: how often each was drawn."""

LEAST_DEFINED = 0.9
"""Share of the resamples in which a figure must be defined to be given an interval: one that is
undefined in a tenth of them rests on a handful of samples."""


RAISED = frozenset({"expected_calibration_error"})
"""Figures that are means of absolute values, so that every resample adds some."""


@dataclass(frozen=True)
class Intervals:
    """Intervals of figures, and how they were made.

    Attributes:
        values: lower and upper bound by name; None where the figure was defined in too few
            resamples.
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
    ) -> Intervals:
        """The intervals of all figures that `score` gives.

        Those of `RAISED` are moved by what resampling adds to them; see `lowered`.

        Args:
            score: the figures.
            classes: (n,) true class of each case.
            subjects: (n,) index of who is shown, from 0 without gaps; None where it is not known.
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
        own = score(np.ones(len(classes))) if RAISED & draws.keys() else {}
        values = {
            name: percentile_interval(
                lowered(np.array(found), own[name]) if name in RAISED else np.array(found),
                self.level,
            )
            for name, found in draws.items()
        }
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


def lowered(draws: npt.NDArray[np.floating], value: float) -> Floats:
    """Draws of a figure that cannot be negative, moved so that their mean is its value.

    What resampling adds to such a figure is estimated by how far the draws lie above it (Efron and
    Tibshirani 1993, ch. 10).
    """
    return np.asarray(np.maximum(draws - (np.mean(draws) - value), 0.0), np.float64)


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
