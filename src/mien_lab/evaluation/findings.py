"""The finding of an audit, as a sentence and as figures."""

from collections.abc import Sequence
from typing import Any

from mien_lab.evaluation.gaps import Compared, Difference, GroupDraws
from mien_lab.evaluation.group_sums import LEAST_PEOPLE
from mien_lab.evaluation.resampling import rounded

__all__ = ["finding_of", "in_document", "measure_words"]

_WORDS = {
    "accuracy": "accuracy",
    "accuracy_same_mix": "accuracy at the same mix of labels",
    "confidence_minus_accuracy": "confidence minus accuracy",
}
_WATCHED = ("accuracy", "false_positive_rate/anger")
"""Measures for which the largest undetected gap is reported.

Being wrongly classified as angry does the most harm.
"""


def finding_of(single: Compared, crossed: Compared, *, minimum: int) -> dict[str, Any]:
    """The gap with the largest lower confidence bound, or else the largest undetected gap.

    Gaps of single columns take precedence over those of intersections.

    Args:
        single: comparisons of the groups of each column.
        crossed: comparisons of intersections.
        minimum: minimum number of samples of a group.
    """
    compared = single if single.gaps or not crossed.gaps else crossed
    missed = _missable([*single.others, *crossed.others])
    if compared.gaps:
        gap, more = compared.gaps[0], len(single.gaps) + len(crossed.gaps) - 1
        return {
            "gap": True,
            "text": _gap_sentence(gap, more),
            "measure": gap.measure,
            "column": gap.high_group.column,
            "groups": [_group(gap.high_group, gap.measure), _group(gap.low_group, gap.measure)],
            "size": round(gap.size, 4),
            "interval": rounded(gap.interval),
            "more_gaps": more,
        }
    if not missed:
        text = (
            "No gap could be looked for: no column has two groups that are large enough "
            f"({minimum} samples, and {LEAST_PEOPLE} people where they are named, each)."
        )
        return {"gap": None, "text": text}
    parts = [
        f"{_points(one.interval[1])} in {measure_words(one.measure)} "
        f"({_named(one.high_group)} against {_named(one.low_group)})"
        for one in missed
    ]
    count = len(single.others) + len(crossed.others)
    return {
        "gap": False,
        "text": f"No gap found in {count:,} comparisons, but one of up to "
        f"{' or of up to '.join(parts)} could have been missed.",
        "could_have_missed": {
            one.measure: {
                "size": round(one.interval[1], 4),
                "groups": [one.high_group.group, one.low_group.group],
                "column": one.high_group.column,
            }
            for one in missed
        },
    }


def measure_words(measure: str) -> str:
    """A measure in words: `false_positive_rate/anger` gives "the false-positive rate of anger"."""
    if measure in _WORDS:
        return _WORDS[measure]
    rate, emotion = measure.split("/")
    return f"the {rate.replace('false_positive', 'false-positive').replace('_', ' ')} of {emotion}"


def _missable(differences: Sequence[Difference]) -> list[Difference]:
    """For each watched measure, the comparison with the largest upper confidence bound."""
    chosen = []
    for measure in _WATCHED:
        of_it = [one for one in differences if one.measure == measure]
        if of_it:
            chosen.append(max(of_it, key=lambda one: one.interval[1]))
    return chosen


def in_document(text: str) -> str:
    """The text of a finding for documents, where the list of further gaps does not follow."""
    for here, there in (("gap below", "gap is"), ("gaps below", "gaps are")):
        text = text.replace(here, f"{there} listed by the command")
    return text


def _gap_sentence(gap: Difference, more: int) -> str:
    low, high = gap.interval
    rest = "" if not more else f"; {more} more {'gaps' if more > 1 else 'gap'} below"
    return (
        f"Gap found: {measure_words(gap.measure)} is {_points(gap.size)} higher for "
        f"{_described(gap.high_group, gap.measure)} than for "
        f"{_described(gap.low_group, gap.measure)}, 95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f}{rest}."
    )


def _described(group: GroupDraws, measure: str) -> str:
    return f"{_named(group)} ({100 * group.values[measure]:.1f} %, n = {group.n:,})"


def _named(group: GroupDraws) -> str:
    return f"{group.column} {group.group}"


def _group(group: GroupDraws, measure: str) -> dict[str, Any]:
    return {"group": group.group, "value": round(group.values[measure], 4), "n": group.n}


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
