"""Robustness and audit as text for a terminal: the finding first, then the figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from mien_lab.evaluation.findings import measure_words

__all__ = ["aligned", "audit_text", "figure_cell", "robustness_text"]

_MOST = 20


def robustness_text(figures: Mapping[str, Any]) -> str:
    """A summary of each reader, and mien's accuracy by corruption and severity."""
    readers = figures["readers"]
    lines = [
        f"{name} keeps {_percent(found['relative_accuracy'])} of its accuracy"
        f"{_between(found['relative_accuracy_interval'])}: "
        f"{_percent(found['clean']['accuracy'])} on {figures['n']:,} clean faces, "
        f"{_percent(found['damaged']['accuracy'])} on damaged ones, macro recall "
        f"{_percent(found['clean']['macro_recall'])} and "
        f"{_percent(found['damaged']['macro_recall'])}"
        for name, found in readers.items()
    ]
    lines.append(_trust(readers["mien"]))
    if "photographs" in figures:
        lines.append(_photographs(figures["photographs"]))
    lines += [f"{name} is {why}" for name, why in figures["absent_peers"].items()]
    lines += figures["notes"]
    head = ["accuracy of mien", "1", "2", "3", "4", "5", *(f"kept, {name}" for name in readers)]
    rows = [head]
    for name, about in figures["corruptions"].items():
        curve = [_percent(row["accuracy"]) for row in readers["mien"]["curves"][name]]
        kept = [
            _percent(found["relative_accuracy_by_corruption"][name]) for found in readers.values()
        ]
        amounts = ", ".join(f"{amount:g}" for amount in about["amounts"])
        rows.append([f"{name} ({amounts} {about['unit']})", *curve, *kept])
    return "\n".join([*lines, "", aligned(rows), *_unread(figures)])


def _trust(mien: Mapping[str, Any]) -> str:
    clean, damaged = mien["clean"], mien["damaged"]
    return (
        "expected calibration error of mien "
        f"{clean['expected_calibration_error']:.3f}, on damaged faces "
        f"{damaged['expected_calibration_error']:.3f}; its sets contain the label in "
        f"{_percent(clean['conformal_coverage'])} and {_percent(damaged['conformal_coverage'])}"
    )


def _photographs(found: Mapping[str, Any]) -> str:
    worst = {name: curve[-1] for name, curve in found["curves"].items()}
    ends = ", ".join(
        f"{name} {_percent(row['accuracy'])} ({row['missed']} missed)"
        for name, row in worst.items()
    )
    return (
        f"of {found['n']:,} whole photographs mien reads {_percent(found['clean']['accuracy'])} "
        f"and keeps {_percent(found['relative_accuracy'])} of that; at severity 5: {ends}"
    )


def audit_text(figures: Mapping[str, Any]) -> str:
    """The finding, then each column with its groups, then the gaps."""
    lines = [figures["finding"]["text"], *figures["notes"]]
    for title, table in {**figures["columns"], **figures["intersections"]}.items():
        lines += ["", *_column(title, table, figures["minimum"])]
    if figures["gaps"]:
        lines += ["", "Gaps in points, with 95 % intervals that hold all together:"]
        lines.append(aligned([_gap(gap) for gap in figures["gaps"][:_MOST]]))
        if len(figures["gaps"]) > _MOST:
            lines.append(f"and {len(figures['gaps']) - _MOST} more (--json has all)")
    return "\n".join([*lines, *_unread(figures)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as aligned columns; the first is left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _column(title: str, table: Mapping[str, Any], minimum: int) -> list[str]:
    rows = [
        [title, "n", "people", "accuracy", "same mix", "macro F1", "falsely angry", "conf - acc"]
    ]
    for name, found in table["groups"].items():
        people = found["people"]
        rows.append(
            [
                name,
                f"{found['n']:,}",
                "-" if people is None else f"{people:,}",
                figure_cell(found["accuracy"]),
                figure_cell(found["accuracy_same_mix"]),
                figure_cell(found["macro_f1"]),
                figure_cell(found["false_positive_rate"]["anger"]),
                figure_cell(found["confidence_minus_accuracy"]),
            ]
        )
    lines = [aligned(rows)]
    if small := table["too_small"]:
        named = ", ".join(f"{one['group']} ({_size(one, minimum)})" for one in small[:_MOST])
        more = f" and {len(small) - _MOST} more" if len(small) > _MOST else ""
        lines.append(f"too small for figures: {named}{more}")
    if table["without_group"]:
        lines.append(f"in no group: {table['without_group']:,} samples")
    return lines


def _size(group: Mapping[str, Any], minimum: int) -> str:
    people = group["people"]
    of_people = f" of {people} people" if people is not None and group["n"] >= minimum else ""
    return f"n = {group['n']}{of_people}"


def _gap(gap: Mapping[str, Any]) -> list[str]:
    low, high = gap["interval"]
    return [
        f"{measure_words(gap['measure'])}: {gap['column']} {gap['higher']} over {gap['lower']}",
        f"{100 * gap['size']:.1f}",
        f"{100 * low:.1f} to {100 * high:.1f}",
    ]


def _unread(figures: Mapping[str, Any]) -> list[str]:
    lines = []
    if figures["missed"]:
        lines.append(f"no face was found in {figures['missed']:,} samples")
    if failures := figures["failures"]:
        first = failures[0]["reason"]
        lines.append(f"{len(failures):,} samples could not be read, the first: {first}")
    return ["", *lines] if lines else []


def figure_cell(figure: Mapping[str, Any]) -> str:
    """A figure and its interval in per cent; a dash if it is None."""
    if figure["value"] is None:
        return "-"
    span = figure["interval"]
    reach = "" if span is None else f" ({100 * span[0]:.1f} to {100 * span[1]:.1f})"
    return f"{100 * figure['value']:.1f}{reach}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _between(span: Sequence[float] | None) -> str:
    return "" if span is None else f" (95 % interval {span[0]:.1%} to {span[1]:.1%})"
