"""Differences between groups that are significant with all comparisons taken together."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = ["Compared", "Difference", "GroupDraws", "compare"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupDraws:
    """The comparable figures of one group.

    Attributes:
        column: kind of group.
        group: name of the group.
        n: number of samples.
        values: value of each measure.
        draws: bootstrap draws (draws,) of each measure, with the same people as for other groups.
        cases: number of cases of each measure, or of people if fewer.
    """

    column: str
    group: str
    n: int
    values: Mapping[str, float]
    draws: Mapping[str, Floats]
    cases: Mapping[str, float]


@dataclass(frozen=True)
class Difference:
    """A measure of one group minus that of another.

    Attributes:
        measure: name of the measure.
        low_group: the group with the lower value.
        high_group: the group with the higher value.
        size: the difference, 0 or more.
        reach: half-width of its simultaneous 95 % interval.
    """

    measure: str
    low_group: GroupDraws
    high_group: GroupDraws
    size: float
    reach: float

    @property
    def interval(self) -> tuple[float, float]:
        """The simultaneous 95 % interval of the difference."""
        most = 2.0 if self.measure == "confidence_minus_accuracy" else 1.0
        return max(self.size - self.reach, -most), min(self.size + self.reach, most)

    @property
    def found(self) -> bool:
        """Whether the interval excludes 0."""
        return self.size > self.reach


@dataclass(frozen=True)
class Compared:
    """All possible comparisons.

    Attributes:
        gaps: significant differences, sorted by lower confidence bound, the largest first.
        others: the other differences.
    """

    gaps: tuple[Difference, ...]
    others: tuple[Difference, ...]


def compare(groups: Sequence[GroupDraws]) -> Compared:
    """Compare each pair of groups of a column by each measure that both have.

    The intervals are simultaneous: in 95 % of cases all of them hold together, for any number of
    groups and measures. They use the bootstrap distribution of the largest studentised difference
    (single-step method; Romano and Wolf, "Exact and approximate stepdown methods for multiple
    hypothesis testing", JASA 100, 2005), with the same people drawn for all groups.

    The variance of a difference is that of its draws, in which the contribution of people in both
    groups cancels. Shares of 0 or 1 have no variance in the draws, however few their cases.
    Therefore the variance added by the two pseudo-cases per group of Agresti and Caffo ("Simple and
    effective confidence intervals for proportions", The American Statistician 54, 2000) is added.
    For independent cases the standard error is then at least theirs; for people in both groups,
    theirs would count what has cancelled.

    For the critical value, differences are studentised by the larger of the two variances instead
    of their sum, since many inflated standard errors would make it smaller. It is at least that of
    a single comparison, since shares of 0 and 1 do not contribute to it.
    """
    pairs = list(_pairs(groups))
    if not pairs:
        return Compared((), ())
    largest = np.zeros(len(next(iter(groups[0].draws.values()))))
    errors = []
    for measure, one, other in pairs:
        drawn = one.draws[measure] - other.draws[measure]
        variance = float(np.nanvar(drawn))
        added = _added(one, measure) + _added(other, measure)
        apart = np.abs(drawn - (one.values[measure] - other.values[measure]))
        scatter = apart / np.sqrt(max(variance, added))
        # Draws without a case of a rare label are NaN and do not count.
        largest = np.maximum(largest, np.nan_to_num(scatter, nan=0.0))
        errors.append(float(np.sqrt(variance + added)))
    critical = max(float(np.quantile(largest, 0.95)), NormalDist().inv_cdf(0.975))
    found = [
        _difference(measure, one, other, critical * error)
        for (measure, one, other), error in zip(pairs, errors, strict=True)
    ]
    gaps = sorted((one for one in found if one.found), key=lambda one: -one.interval[0])
    return Compared(tuple(gaps), tuple(one for one in found if not one.found))


def _pairs(groups: Sequence[GroupDraws]) -> Iterator[tuple[str, GroupDraws, GroupDraws]]:
    for one, other in itertools.combinations(groups, 2):
        if one.column == other.column:
            for measure in one.values:
                if measure in other.values:
                    yield measure, one, other


def _added(group: GroupDraws, measure: str) -> float:
    """The variance that one pseudo-case of either kind adds to a share.

    It is the variance of Agresti and Caffo, p (1 - p) / (n + 2) with both pseudo-cases in p, minus
    the contribution of the n cases alone.
    """
    cases = group.cases[measure]
    share = min(abs(group.values[measure]), 1.0)
    return float((cases + 1 - 2 * cases * share * (1 - share)) / (cases + 2) ** 3)


def _difference(measure: str, one: GroupDraws, other: GroupDraws, reach: float) -> Difference:
    low, high = sorted((one, other), key=lambda group: group.values[measure])
    return Difference(measure, low, high, high.values[measure] - low.values[measure], reach)
