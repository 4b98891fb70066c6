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
        draws: by measure, (draws,) of the bootstrap, of the same people as those of other groups.
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
    step), for which the same people are drawn for all groups.

    A difference scatters as the drawn differences do: what people who are in both groups have in
    common cancels. A share of 0 or 1 does not scatter, however few cases it is of; so what the two
    cases that Agresti and Caffo give each group ("Simple and effective confidence intervals for
    proportions", The American Statistician 54, 2000) add to the variance is added here. Of cases
    that are independent the standard error is thus theirs at least; of the same people in both
    groups theirs would count again what has cancelled. For the critical value differences are
    divided by what they scatter or by what is added, whichever is larger, not by both: many errors
    widened alike would make it smaller. Nor is it smaller than that of one comparison, since shares
    of 0 and 1 do not scatter in it.
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
        # A draw without any case of a rare label says nothing of it.
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
    """What one more case of either kind adds to the variance of a share.

    That of Agresti and Caffo, p (1 - p) / (n + 2) with both cases in p, less the part in it of the
    n cases alone.
    """
    cases = group.cases[measure]
    share = min(abs(group.values[measure]), 1.0)
    return float((cases + 1 - 2 * cases * share * (1 - share)) / (cases + 2) ** 3)


def _difference(measure: str, one: GroupDraws, other: GroupDraws, reach: float) -> Difference:
    low, high = sorted((one, other), key=lambda group: group.values[measure])
    return Difference(measure, low, high, high.values[measure] - low.values[measure], reach)
