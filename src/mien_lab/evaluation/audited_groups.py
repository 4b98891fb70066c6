"""The groups of an audit: their figures, and differences between them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.gaps import GroupDraws
from mien_lab.evaluation.group_sums import LEAST_CASES, LEAST_PEOPLE, rate_name
from mien_lab.evaluation.intervals import (
    RAISED,
    difference_interval,
    lowered,
    percentile_interval,
    share_interval,
)
from mien_lab.evaluation.metrics import wilson_interval
from mien_lab.evaluation.resampling import rounded

__all__ = ["AuditedGroup", "group_differences"]

Floats = npt.NDArray[np.float64]

_LEAST_FOR_F1 = 5
"""Minimum number of cases of a label for an interval of macro F1.

A label with fewer is missing in many draws, whose macro F1 is then over other labels.
"""

_HEADLINES = (
    "accuracy",
    "accuracy_same_mix",
    "macro_f1",
    "missed",
    "confidence_minus_accuracy",
    "expected_calibration_error",
)
_NO_SHARES = frozenset({"macro_f1", "confidence_minus_accuracy", "expected_calibration_error"})
_RATES = ("false_positive_rate", "recall", "selection_rate")


@dataclass(frozen=True)
class AuditedGroup:
    """One group that is large enough, with its figures and their bootstrap draws.

    Attributes:
        name: name of the group.
        n: number of samples.
        people: number of people; None if no subject is known.
        values: value of each measure.
        draws: bootstrap draws (draws,) of each measure, with the same people as for other groups.
        cases: denominator of each share, or effective sample size of `accuracy_same_mix`.
        independent: number of people among the cases of each measure.
        mix: (8,) label distribution of `accuracy_same_mix`.
    """

    name: str
    n: int
    people: int | None
    values: dict[str, float]
    draws: dict[str, Floats]
    cases: dict[str, float]
    independent: Mapping[str, float]
    mix: Floats

    def weight(self, measure: str) -> float:
        """The number of independent cases of a measure."""
        return min(self.cases[measure], self.independent[measure])

    def suffices(self, measure: str) -> bool:
        """Whether a measure has enough cases, of enough people, to be compared."""
        return self.cases[measure] >= LEAST_CASES and self.weight(measure) >= LEAST_PEOPLE

    def comparable(self, column: str) -> GroupDraws:
        """The measures of the group that are compared with other groups of the column."""
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

    def same_mix_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of accuracy at the same mix of labels.

        A recall of 0 or 1 has no variance in the draws, however few its cases. Its Wilson
        half-widths, times its share of the mix, are therefore added in quadrature to those of the
        percentile interval (Zou and Donner, "Construction of confidence limits about effect
        measures", Statistics in Medicine 27, 2008).
        """
        value = self.values["accuracy_same_mix"]
        found = percentile_interval(self.draws["accuracy_same_mix"])
        if found is None:
            return None
        below, above = [value - found[0]], [found[1] - value]
        for share, emotion in zip(self.mix.tolist(), EMOTIONS, strict=True):
            recall = self.values[rate_name("recall", emotion)]
            if share and recall in (0.0, 1.0):
                people = round(self.independent[rate_name("recall", emotion)])
                low, high = wilson_interval(recall * people, people)
                below.append(share * (recall - low))
                above.append(share * (high - recall))
        if len(below) == 1:
            return share_interval(self.draws["accuracy_same_mix"], value, 0)
        return max(value - math.hypot(*below), 0.0), min(value + math.hypot(*above), 1.0)

    def figures(self) -> dict[str, Any]:
        """The figures of the group as plain values."""

        def figure(measure: str) -> dict[str, Any]:
            value, draws = self.values[measure], self.draws[measure]
            if measure in RAISED:
                draws = lowered(draws, value)
            if measure == "accuracy_same_mix":
                return _figure(value, self.same_mix_interval())
            count = 0 if measure in _NO_SHARES else round(self.independent[measure])
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
    """Largest minus smallest value over the groups with enough cases; None for fewer than two.

    `equalised_odds` is the larger of the differences in recall and false-positive rate.
    """

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
