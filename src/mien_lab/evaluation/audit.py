"""Whether faces of some groups are read worse than those of others, and how sure that is."""

from collections.abc import Mapping, Sequence
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
from mien_lab.evaluation.resampling import Times, clusters_of, draw_times, resample

__all__ = ["MINIMUM", "audit"]

Floats = npt.NDArray[np.float64]

MINIMUM = 30
"""Samples a group needs before figures of it are given."""
INTERVALS = (
    "95 %, percentile bootstrap over people, the same ones drawn for all groups and columns; "
    "Wilson's where a share is the same in all draws. "
    "Those of differences, the largest value of a group minus the smallest, are no tests: such "
    "a difference is above 0 by chance alone, and its interval may be. Gaps are tested."
)


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

    Intervals are of 95 %, by a bootstrap over people, or Wilson's where a share is the same in all
    draws; macro F1 has none where a label is rare, and that of accuracy at the same mix of labels
    is wider where a recall is the same in all draws (see `AuditedGroup.same_mix_interval`).
    People are drawn from all that were read, once for all groups of all columns: what people who
    are in several groups bring to each of them cancels in a difference, and no figure of a column
    depends on what other columns there are.
    `differences` are the largest value of a group minus the smallest, which is above 0 by chance
    alone; their intervals (see `intervals.difference_interval`) are no tests. `gaps` are those
    differences of two groups that are more than chance with all comparisons of all columns taken
    together (see `gaps.compare`): of accuracy, of accuracy at the same mix of labels, of confidence
    minus accuracy, and of the false-positive rate and the recall of each emotion.
    Selection rates are no measure of error and are not judged: they follow what the pictures show.

    Args:
        predictions: what was read.
        columns: by the name of each column, the group of each prediction, (n,); empty for none.
        subjects: (n,) who is shown; empty where that is not known.
        intersections: whether to cross each two columns besides.
        minimum: samples below which a group is listed as too small, without figures.
        seed: of the bootstrap.
        draws: of the bootstrap.
    """
    subjects = [""] * len(predictions) if subjects is None else subjects
    sums = sample_sums(predictions)
    clusters = clusters_of(subjects)
    times = draw_times(clusters, draws=draws, seed=seed)
    parts: list[tuple[dict[str, Any], list[GroupDraws]]] = []
    for kinds in (columns, crossed(columns) if intersections else {}):
        tables: dict[str, Any] = {}
        compared: list[GroupDraws] = []
        for column, names in kinds.items():
            table, groups = _table(
                predictions, sums, np.array(names), subjects, minimum, clusters, times
            )
            tables[column] = table
            compared += [group.comparable(column) for group in groups]
        parts.append((tables, compared))
    (single, one_column), (both, two_columns) = parts
    # Compared together: their intervals are to hold all at once.
    joint = compare([*one_column, *two_columns])
    results = _of(joint, columns, alone=True), _of(joint, columns, alone=False)
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


def _of(joint: Compared, columns: Mapping[str, Sequence[str]], *, alone: bool) -> Compared:
    """The comparisons of single columns, or those of crossed ones."""
    return Compared(
        *(
            tuple(one for one in some if (one.high_group.column in columns) is alone)
            for some in (joint.gaps, joint.others)
        )
    )


def _table(
    predictions: Predictions,
    sums: Floats,
    names: npt.NDArray[np.str_],
    subjects: Sequence[str],
    minimum: int,
    clusters: npt.NDArray[np.int64],
    times: Times,
) -> tuple[dict[str, Any], list[AuditedGroup]]:
    """What is said of one column, and its groups that are large enough."""
    sizes, small = {}, []
    for name in sorted(set(names.tolist()) - {""}):
        n, people = _size(names == name, subjects)
        if n < minimum or (people is not None and people < LEAST_PEOPLE):
            small.append({"group": name, "n": n, "people": people})
        else:
            sizes[name] = n, people
    kept = np.isin(names, list(sizes))
    rows = {name: np.flatnonzero(names == name) for name in sizes}
    independent = {
        name: {
            key: len(np.unique(clusters[inside][each > 0]))
            for key, each in cases_of(sums[inside]).items()
        }
        for name, inside in rows.items()
    }
    totals = [sums[inside].sum(axis=0) for inside in rows.values()]
    recalls = [rate_name("recall", emotion) for emotion in EMOTIONS]
    showing = {
        name: np.array([found[one] for one in recalls]) for name, found in independent.items()
    }
    mix = common_mix(
        np.reshape(totals, (len(sizes), sums.shape[1])),
        np.reshape(list(showing.values()), (len(sizes), len(EMOTIONS))),
    )
    groups = []
    for name, (n, people) in sizes.items():
        inside = rows[name]
        drawn = resample(sums[inside], clusters[inside], times)
        total = np.vstack([sums[inside].sum(axis=0), drawn])
        figures = figures_of(total) | {"accuracy_same_mix": same_mix(total, mix)}
        figures["macro_f1"] = np.where(lacks_label(total), np.nan, figures["macro_f1"])
        cases = {key: float(value) for key, value in cases_of(total[0]).items()}
        support = np.array([cases[one] for one in recalls])
        groups.append(
            AuditedGroup(
                name,
                n,
                people,
                {key: float(value[0]) for key, value in figures.items()},
                {key: value[1:] for key, value in figures.items()},
                cases | {"accuracy_same_mix": same_mix_cases(support, mix)},
                independent[name] | {"accuracy_same_mix": same_mix_cases(showing[name], mix)},
                mix,
            )
        )
    if groups:
        frame = group_frame(predictions.truth[kept], predictions.predicted[kept], names[kept])
        by_group = frame.by_group.to_dict(orient="index")
        for group in groups:
            found = {key: float(value) for key, value in by_group[group.name].items()}
            # A rate of no cases is nothing; fairlearn calls it 0.
            group.values.update({k: v for k, v in found.items() if np.isfinite(group.values[k])})
    return {
        "groups": {group.name: group.figures() for group in groups},
        "too_small": small,
        "without_group": int((names == "").sum()),
        "differences": group_differences(groups),
    }, groups


def _size(inside: npt.NDArray[np.bool_], subjects: Sequence[str]) -> tuple[int, int | None]:
    """How many samples, and of how many people where any is named."""
    shown = [subjects[index] for index in np.flatnonzero(inside).tolist()]
    named = {subject for subject in shown if subject}
    return len(shown), len(named) + shown.count("") if named else None


def _gap(gap: Difference) -> dict[str, Any]:
    return {
        "measure": gap.measure,
        "column": gap.high_group.column,
        "higher": gap.high_group.group,
        "lower": gap.low_group.group,
        "size": round(gap.size, 4),
        "interval": [round(end, 4) for end in gap.interval],
    }
