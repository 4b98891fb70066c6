"""Which differences between groups are more than chance, all comparisons taken together."""

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
    """The figures of one group that may be compared.

    Attributes:
        column: what kind of group.
        group: its name.
        n: how many samples.
        values: by measure.
        draws: by measure, (draws,) of the bootstrap.
        cases: by measure, how many cases a share is of; of people, where these are fewer.
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
        measure: which.
        low_group: the group with the lower value.
        high_group: the other.
        size: the difference, 0 or more.
        reach: half of its simultaneous 95 % interval.
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
        """Whether the interval leaves out 0."""
        return self.size > self.reach


@dataclass(frozen=True)
class Compared:
    """All comparisons that could be made.

    Attributes:
        gaps: the differences that are more than chance, that which is surely largest first.
        others: the rest.
    """

    gaps: tuple[Difference, ...]
    others: tuple[Difference, ...]


def compare(groups: Sequence[GroupDraws]) -> Compared:
    """Compare each two groups of a column by each measure that both have.

    The intervals are simultaneous: all of them hold together in 95 % of cases, however many groups
    and measures there are, by the bootstrap of the largest studentised difference (Romano and Wolf,
    "Exact and approximate stepdown methods for multiple hypothesis testing", JASA 100, 2005; single
    step). Standard errors are no smaller than those of Agresti and Caffo ("Simple and effective
    confidence intervals for proportions", The American Statistician 54, 2000), since a share of
    0 or 1 does not scatter in the bootstrap, however few cases it is of; for the same reason
    intervals are no narrower than those of one comparison.
    """
    pairs = list(_pairs(groups))
    if not pairs:
        return Compared((), ())
    largest = np.zeros(len(next(iter(groups[0].draws.values()))))
    errors = []
    for measure, one, other in pairs:
        error = float(np.hypot(_error(one, measure), _error(other, measure)))
        drawn = one.draws[measure] - other.draws[measure]
        scatter = np.abs(drawn - (one.values[measure] - other.values[measure])) / error
        # A draw without any case of a rare label says nothing of it.
        largest = np.maximum(largest, np.nan_to_num(scatter, nan=0.0))
        errors.append(error)
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


def _error(group: GroupDraws, measure: str) -> float:
    cases = group.cases[measure]
    share = (min(abs(group.values[measure]), 1.0) * cases + 1) / (cases + 2)
    floor = float(np.sqrt(share * (1 - share) / (cases + 2)))
    return max(float(np.nanstd(group.draws[measure])), floor)


def _difference(measure: str, one: GroupDraws, other: GroupDraws, reach: float) -> Difference:
    low, high = sorted((one, other), key=lambda group: group.values[measure])
    return Difference(measure, low, high, high.values[measure] - low.values[measure], reach)
