"""Fairness audit: differences between groups, with simultaneous confidence intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.labels import EMOTIONS
from mien_lab.data.groups import crossed
from mien_lab.data.samples import failure_rows
from mien_lab.evaluation.audited_groups import AuditedGroup, group_differences
from mien_lab.evaluation.findings import finding_of
from mien_lab.evaluation.gaps import Compared, Difference, GroupDraws, compare
from mien_lab.evaluation.group_frames import group_frame
from mien_lab.evaluation.group_sums import (
    LEAST_PEOPLE,
    cases_of,
    common_mix,
    figures_of,
    lacks_label,
    rate_name,
    same_mix,
    same_mix_cases,
    sample_sums,
)
from mien_lab.evaluation.predictions import Predictions
from mien_lab.evaluation.resampling import Times, clusters_of, draw_times, resample, rounded

__all__ = ["MINIMUM", "audit"]

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]

MINIMUM = 30
"""Minimum number of samples of a group to report figures for it."""
INTERVALS = (
    "95 %, percentile cluster bootstrap by person, with the same draws for all groups and columns; "
    "Wilson's where a share is the same in all draws. "
    "Those of differences, the largest value of a group minus the smallest, are no tests: such "
    "a difference is above 0 by chance alone, and its interval may be. Gaps are tested."
)
_RECALLS = tuple(rate_name("recall", emotion) for emotion in EMOTIONS)


@dataclass(frozen=True)
class _Sample:
    """The audited samples, and the bootstrap that all columns share.

    Attributes:
        predictions: predictions of the samples.
        sums: (n, columns) summands of `sample_sums`.
        subjects: (n,) subject of each sample; empty where unknown.
        clusters: (n,) from `clusters_of`.
        times: (draws, clusters) from `draw_times`.
    """

    predictions: Predictions
    sums: Floats
    subjects: Sequence[str]
    clusters: npt.NDArray[np.int64]
    times: Times


def audit(
    predictions: Predictions,
    columns: Mapping[str, Sequence[str]],
    *,
    subjects: Sequence[str] | None = None,
    intersections: bool = True,
    minimum: int = MINIMUM,
    seed: int = 0,
    draws: int = 1000,
) -> dict[str, Any]:
    """Figures by group, their differences, and the finding, which comes first.

    Intervals are 95 % cluster-bootstrap intervals by person, or Wilson's where a share is constant
    over all draws. Macro F1 has none where a label is rare, and the interval of accuracy at the
    same mix of labels is wider where a recall is constant (see `AuditedGroup.same_mix_interval`).
    People are drawn from the whole collection, once for all groups of all columns, so that the
    contribution of people in several groups cancels in differences, and the figures of a column do
    not depend on other columns.

    `differences` are the largest value of a group minus the smallest, which is above 0 by chance
    alone; their intervals (see `intervals.difference_interval`) are not tests. `gaps` are pairwise
    differences that are significant with all comparisons of all columns taken together (see
    `gaps.compare`). They cover accuracy, accuracy at the same mix of labels, confidence minus
    accuracy, and false-positive rate and recall of each emotion. Selection rates are not compared:
    they depend on what the pictures show.

    Args:
        predictions: predictions of the samples.
        columns: group of each prediction, (n,), by column; an empty string means none.
        subjects: (n,) subject of each sample; empty where unknown.
        intersections: whether to add the intersections of each pair of columns.
        minimum: groups with fewer samples are listed as too small, without figures.
        seed: seed of the bootstrap.
        draws: number of bootstrap resamples.
    """
    subjects = [""] * len(predictions) if subjects is None else subjects
    clusters = clusters_of(subjects)
    times = draw_times(clusters, draws=draws, seed=seed)
    data = _Sample(predictions, sample_sums(predictions), subjects, clusters, times)
    parts: list[tuple[dict[str, Any], list[GroupDraws]]] = []
    for kinds in (columns, crossed(columns) if intersections else {}):
        tables: dict[str, Any] = {}
        compared: list[GroupDraws] = []
        for column, names in kinds.items():
            tables[column], groups = _table(data, np.array(names), minimum)
            compared += [group.comparable(column) for group in groups]
        parts.append((tables, compared))
    (single, one_column), (both, two_columns) = parts
    # Compared together, since their intervals are simultaneous.
    joint = compare([*one_column, *two_columns])
    results = [_comparisons(joint, columns, alone=alone) for alone in (True, False)]
    return {
        "finding": finding_of(*results, minimum=minimum),
        "n": len(predictions),
        "missed": int((~predictions.found).sum()),
        "failures": failure_rows(predictions.failures),
        "minimum": minimum,
        "seed": seed,
        "intervals": INTERVALS,
        "columns": single,
        "intersections": both,
        "gaps": [_gap(gap) for result in results for gap in result.gaps],
    }


def _comparisons(joint: Compared, columns: Mapping[str, Sequence[str]], *, alone: bool) -> Compared:
    """The comparisons of single columns, or those of intersections."""
    return Compared(
        *(
            tuple(one for one in some if (one.high_group.column in columns) is alone)
            for some in (joint.gaps, joint.others)
        )
    )


def _table(data: _Sample, names: Names, minimum: int) -> tuple[dict[str, Any], list[AuditedGroup]]:
    """The figures of one column, and its groups that are large enough."""
    sizes, small = _group_sizes(names, data.subjects, minimum)
    groups = _groups(data, names, sizes)
    return {
        "groups": {group.name: group.figures() for group in groups},
        "too_small": small,
        "without_group": int((names == "").sum()),
        "differences": group_differences(groups),
    }, groups


def _group_sizes(
    names: Names, subjects: Sequence[str], minimum: int
) -> tuple[dict[str, tuple[int, int | None]], list[dict[str, Any]]]:
    """Number of samples and of people of each group, and the groups that are too small."""
    sizes, small = {}, []
    for name in sorted(set(names.tolist()) - {""}):
        n, people = _size(names == name, subjects)
        if n < minimum or (people is not None and people < LEAST_PEOPLE):
            small.append({"group": name, "n": n, "people": people})
        else:
            sizes[name] = n, people
    return sizes, small


def _size(inside: npt.NDArray[np.bool_], subjects: Sequence[str]) -> tuple[int, int | None]:
    """Number of samples, and of people; None for the latter if no subject is known."""
    shown = [subjects[index] for index in np.flatnonzero(inside).tolist()]
    named = {subject for subject in shown if subject}
    return len(shown), len(named) + shown.count("") if named else None


def _groups(
    data: _Sample, names: Names, sizes: Mapping[str, tuple[int, int | None]]
) -> list[AuditedGroup]:
    if not sizes:
        return []
    rows = {name: np.flatnonzero(names == name) for name in sizes}
    people = {name: _independent(data, inside) for name, inside in rows.items()}
    mix = common_mix(
        np.stack([data.sums[inside].sum(axis=0) for inside in rows.values()]),
        np.array([[found[recall] for recall in _RECALLS] for found in people.values()]),
    )
    groups = [
        _group(data, name, sizes[name], inside, people[name], mix) for name, inside in rows.items()
    ]
    kept = np.isin(names, list(sizes))
    predictions = data.predictions
    frame = group_frame(predictions.truth[kept], predictions.predicted[kept], names[kept])
    by_group = frame.by_group.to_dict(orient="index")
    for group in groups:
        found = {key: float(value) for key, value in by_group[group.name].items()}
        # A rate without cases stays NaN; fairlearn's value is 0.
        group.values.update({k: v for k, v in found.items() if np.isfinite(group.values[k])})
    return groups


def _independent(data: _Sample, inside: npt.NDArray[np.intp]) -> dict[str, int]:
    """Number of people among the cases of each measure, in the rows of a group."""
    return {
        key: len(np.unique(data.clusters[inside][each > 0]))
        for key, each in cases_of(data.sums[inside]).items()
    }


def _group(
    data: _Sample,
    name: str,
    size: tuple[int, int | None],
    inside: npt.NDArray[np.intp],
    independent: dict[str, int],
    mix: Floats,
) -> AuditedGroup:
    total = resample(data.sums[inside], data.clusters[inside], data.times)
    figures = figures_of(total) | {"accuracy_same_mix": same_mix(total, mix)}
    figures["macro_f1"] = np.where(lacks_label(total), np.nan, figures["macro_f1"])
    cases = {key: float(value) for key, value in cases_of(total[0]).items()}
    support, people = (np.array([of[one] for one in _RECALLS]) for of in (cases, independent))
    return AuditedGroup(
        name,
        *size,
        {key: float(value[0]) for key, value in figures.items()},
        {key: value[1:] for key, value in figures.items()},
        cases | {"accuracy_same_mix": same_mix_cases(support, mix)},
        independent | {"accuracy_same_mix": same_mix_cases(people, mix)},
        mix,
    )


def _gap(gap: Difference) -> dict[str, Any]:
    return {
        "measure": gap.measure,
        "column": gap.high_group.column,
        "higher": gap.high_group.group,
        "lower": gap.low_group.group,
        "size": round(gap.size, 4),
        "interval": rounded(gap.interval),
    }
