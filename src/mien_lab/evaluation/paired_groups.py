"""Paired comparison by group of several predictions of the same faces, in one bootstrap.

The common variation of two predictions of one face cancels in their difference, so that its
interval is far narrower than those of the two (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien_lab.evaluation.group_sums import (
    LEAST_CASES,
    cases_of,
    common_mix,
    figures_of,
    rate_name,
    same_mix,
    sample_sums,
)
from mien_lab.evaluation.predictions import Predictions
from mien_lab.evaluation.resampling import draw_times, resample

__all__ = ["PairedGroups", "pair"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedGroups:
    """Sums over the faces of each group: of the sample first, then of each bootstrap draw.

    Attributes:
        names: names of the groups.
        sums: (groups, 1 + draws, readings, columns) sums of `sample_sums`.
        rest: (1 + draws, readings, columns) sums over the faces in none of these groups.
    """

    names: tuple[str, ...]
    sums: Floats
    rest: Floats

    def figures(self) -> dict[str, Floats]:
        """Figures by name, each (1 + draws, readings).

        `accuracy` and `macro_recall` are over all faces. `worst_accuracy` is that of the worst
        group, `accuracy_gap` the difference between the best and the worst group.
        `equalised_odds/anger` is the larger of the largest differences in recall and in
        false-positive rate of anger; `equalised_odds_mean` and `equalised_odds_largest` are over
        the emotions with enough cases in at least two groups.
        """
        whole = figures_of(self.sums.sum(axis=0) + self.rest)
        recalls = np.stack([whole[rate_name("recall", emotion)] for emotion in EMOTIONS])
        by_group = figures_of(self.sums)
        accuracy = by_group["accuracy"]
        odds = {
            rate_name("equalised_odds", emotion): value
            for emotion in EMOTIONS
            if (value := self._odds(by_group, emotion)) is not None
        }
        figures = {
            "accuracy": whole["accuracy"],
            "macro_recall": np.nanmean(recalls, axis=0),
            "worst_accuracy": accuracy.min(axis=0),
            "accuracy_gap": np.ptp(accuracy, axis=0),
        }
        if odds:
            every = np.stack(list(odds.values()))
            figures["equalised_odds_mean"] = every.mean(axis=0)
            figures["equalised_odds_largest"] = every.max(axis=0)
        return figures | odds

    def difference(self, measure: str, high: str, low: str) -> Floats:
        """A measure of one group minus that of another, (1 + draws, readings)."""
        if measure == "accuracy_same_mix":
            values = same_mix(self.sums, common_mix(self.sums[:, 0, 0]))
        else:
            values = figures_of(self.sums)[measure]
        return np.asarray(values[self.names.index(high)] - values[self.names.index(low)])

    def _odds(self, by_group: dict[str, Floats], emotion: str) -> Floats | None:
        names = [rate_name(rate, emotion) for rate in ("recall", "false_positive_rate")]
        cases = cases_of(self.sums[:, 0, 0])
        enough = np.all([cases[name] >= LEAST_CASES for name in names], axis=0)
        if enough.sum() < 2:
            return None
        return np.asarray(
            np.max([np.ptp(by_group[name][enough], axis=0) for name in names], axis=0)
        )


def pair(
    readings: Sequence[Predictions],
    groups: npt.NDArray[np.str_],
    names: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> PairedGroups:
    """Bootstrap faces, with the same draws for all groups and readings.

    Args:
        readings: predictions of the same faces in the same order.
        groups: (n,) group of each face; an empty string means none.
        names: names of the groups to compare.
        draws: number of bootstrap resamples.
        seed: seed of the bootstrap.
    """
    sums = np.stack([sample_sums(reading) for reading in readings], axis=1)
    flat = sums.reshape(len(sums), -1)
    each = np.arange(len(sums))
    times = draw_times(each, draws=draws, seed=seed)

    def drawn(inside: npt.NDArray[np.bool_]) -> Floats:
        return resample(flat[inside], each[inside], times).reshape(1 + draws, *sums.shape[1:])

    return PairedGroups(
        tuple(names),
        np.stack([drawn(groups == name) for name in names]),
        drawn(~np.isin(groups, list(names))),
    )
