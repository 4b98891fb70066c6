"""The groups of an audit: their figures, and by how much these differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.gaps import GroupDraws
from mien_lab.evaluation.group_sums import LEAST_CASES, LEAST_PEOPLE, rate_name
from mien_lab.evaluation.intervals import RAISED, difference_interval, lowered, share_interval
from mien_lab.evaluation.resampling import rounded

__all__ = ["AuditedGroup", "group_differences"]

Floats = npt.NDArray[np.float64]

_LEAST_FOR_F1 = 5
"""A label with fewer cases is missing from many draws, whose macro F1 is then of other labels."""

_HEADLINES = (
    "accuracy",
    "accuracy_same_mix",
    "macro_f1",
    "missed",
    "confidence_minus_accuracy",
    "expected_calibration_error",
)
_NO_SHARES = frozenset(
    {"accuracy_same_mix", "macro_f1", "confidence_minus_accuracy", "expected_calibration_error"}
)
_RATES = ("false_positive_rate", "recall", "selection_rate")


@dataclass(frozen=True)
class AuditedGroup:
    """One group that is large enough, with its figures as they are and as they scatter.

    Attributes:
        name: of the group.
        n: samples.
        people: that they show; None where nobody is named.
        values: by measure.
        draws: by measure, (draws,) of the bootstrap, of the same people as those of other groups.
        cases: by measure, the samples that it is a share of.
        independent: by measure, of how many people its cases are.
    """

    name: str
    n: int
    people: int | None
    values: dict[str, float]
    draws: dict[str, Floats]
    cases: dict[str, float]
    independent: dict[str, int]

    def weight(self, measure: str) -> float:
        """How many cases of different people a measure rests on."""
        return min(self.cases[measure], self.independent[measure])

    def suffices(self, measure: str) -> bool:
        """Whether a measure rests on enough cases of enough people to be compared."""
        return self.cases[measure] >= LEAST_CASES and self.weight(measure) >= LEAST_PEOPLE

    def comparable(self, column: str) -> GroupDraws:
        """The measures by which the group is judged, as one of the column's."""
        measures = ["accuracy", "accuracy_same_mix", "confidence_minus_accuracy"]
        measures += [
            rate_name(rate, emotion)
            for rate in ("false_positive_rate", "recall")
            for emotion in EMOTIONS
        ]
        kept = [
            measure
            for measure in measures
            if self.suffices(measure) and np.isfinite(self.values[measure])
        ]
        return GroupDraws(
            column,
            self.name,
            self.n,
            {measure: self.values[measure] for measure in kept},
            {measure: self.draws[measure] for measure in kept},
            {measure: self.weight(measure) for measure in kept},
        )

    def figures(self) -> dict[str, Any]:
        """What is said of the group, as plain values."""

        def figure(measure: str) -> dict[str, Any]:
            value, draws = self.values[measure], self.draws[measure]
            if measure in RAISED:
                draws = lowered(draws, value)
            count = 0 if measure in _NO_SHARES else self.independent[measure]
            return _figure(value, share_interval(draws, value, count))

        figures: dict[str, Any] = {"n": self.n, "people": self.people}
        figures |= {measure: figure(measure) for measure in _HEADLINES}
        recalls = [self.weight(rate_name("recall", emotion)) for emotion in EMOTIONS]
        if any(0 < cases < _LEAST_FOR_F1 for cases in recalls):
            figures["macro_f1"]["interval"] = None
        for rate in _RATES:
            figures[rate] = {
                emotion.value: figure(rate_name(rate, emotion))
                | {"cases": round(self.cases[rate_name(rate, emotion)])}
                for emotion in EMOTIONS
            }
        return figures


def group_differences(groups: Sequence[AuditedGroup]) -> dict[str, Any]:
    """Largest minus smallest over the groups; of recall, over those with enough cases."""

    def difference(*measures: str) -> dict[str, Any] | None:
        chosen = [group for group in groups if all(map(group.suffices, measures))]
        if len(chosen) < 2:
            return None
        values = [np.ptp([group.values[name] for group in chosen]) for name in measures]
        draws = [np.ptp([group.draws[name] for group in chosen], axis=0) for name in measures]
        value = float(np.max(values))
        return _figure(value, difference_interval(np.max(draws, axis=0), value))

    found: dict[str, Any] = {
        measure: difference(measure)
        for measure in ("accuracy", "accuracy_same_mix", "confidence_minus_accuracy")
    }
    found["selection_rate"] = {
        emotion.value: difference(rate_name("selection_rate", emotion)) for emotion in EMOTIONS
    }
    found["equalised_odds"] = {
        emotion.value: difference(
            rate_name("recall", emotion), rate_name("false_positive_rate", emotion)
        )
        for emotion in EMOTIONS
    }
    return found


def _figure(value: float, bounds: tuple[float, float] | None) -> dict[str, Any]:
    if not np.isfinite(value):
        return {"value": None, "interval": None}
    return {"value": round(value, 4), "interval": rounded(bounds)}
