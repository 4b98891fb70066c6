"""The trade-off of balancing as text and tables, for a terminal and for documents."""

from collections.abc import Mapping
from typing import Any

from mien_lab.evaluation.findings import in_document
from mien_lab.evaluation.markdown import share, table
from mien_lab.evaluation.tables import aligned, audit_text, figure_cell

__all__ = ["closing_sentence", "tradeoff_block", "tradeoff_text"]

Figures = Mapping[str, Any]

_HEADS = {
    "accuracy": "accuracy",
    "macro_recall": "macro recall",
    "worst_accuracy": "worst group",
    "accuracy_gap": "gap in accuracy",
    "equalised_odds_mean": "equalised-odds difference",
}
"""Column titles of the tables.

`equalised_odds_largest` is omitted, since it is that of an emotion with few faces.
"""
_VERBS = {"weights": ("leave", "cost"), "sampling": ("leaves", "costs")}


def closing_sentence(finding: Figures) -> str:
    """The remaining gap and cost of balancing, as a sentence; empty if nothing was balanced.

    Args:
        finding: with `gap`, `column`, `unbalanced` and `closing`, a row for each way of balancing.
    """
    if not finding.get("closing"):
        return ""
    parts = []
    for one in finding["closing"]:
        leaves, costs = _VERBS[one["balancing"]]
        low, high = one["accuracy"]["interval"]
        parts.append(
            f"{one['balancing']} {leaves} {_points(one['left']['value'])} points of it "
            f"({_change(one['change'])}) and {costs} {_points(-one['accuracy']['value'])} points "
            f"of accuracy ({_points(-high)} to {_points(-low)})"
        )
    start = f"Balanced by {finding['column']}"
    if not finding["gap"]:
        start = (
            "Without balancing the largest difference in accuracy is "
            f"{_points(finding['unbalanced']['value'])} points, by {finding['column']}; balanced "
            "by that"
        )
    return f"{start} at full strength, {'; '.join(parts)}; in brackets 95 % intervals."


def tradeoff_block(figures: Figures) -> str:
    """The finding, and a table of all ways of balancing by its column, for documents."""
    text = in_document(figures["finding"]["text"])
    if not figures["ways"]:
        return text
    rows = [["", "effective sample size", *_heads(figures["ways"])]]
    for row in figures["ways"]:
        cells = []
        for name in _names(figures["ways"]):
            cell = share(row[name]["value"])
            if "change" in row:
                cell += f" ({_reach(row['change'][name]['interval'])})"
            cells.append(cell)
        worth = row["effective_share"]
        rows.append([_way(row), "" if worth is None else f"{100 * worth:.0f} %", *cells])
    return f"{text}\n\n{table(rows)}"


def tradeoff_text(figures: Figures) -> str:
    """The finding, tables for each column, and the audit without balancing, for a terminal."""
    lines = [figures["finding"]["text"], *figures["notes"]]
    lines.append(
        f"The last layer is refitted on {figures['fitted_on']:,} training faces and evaluated on "
        f"{figures['n']:,} of {figures['split']}. In per cent, with 95 % intervals; changes from "
        "no balancing are in points, paired by face. Gaps and equalised odds are largest "
        "differences between groups, the latter averaged over emotions: above 0 by chance alone."
    )
    for column, found in figures["tradeoff"].items():
        lines += ["", *_column(column, found)]
    unbalanced = figures["audit"] | {
        "finding": {"text": "Without balancing:"},
        "notes": (),
    }
    return "\n".join([*lines, "", audit_text(unbalanced)])


def _column(column: str, found: Figures) -> list[str]:
    sizes = [
        f"{name} {one['training']:,} and {one['test']:,}" for name, one in found["groups"].items()
    ]
    lines = [f"{column}; faces in training and test: {'; '.join(sizes)}"]
    ways = found["ways"]
    if not ways:
        return [*lines, "not balanced: no two groups are large enough"]
    values, changes = [[column, "worth", *_heads(ways)]], [["change", "", *_heads(ways)]]
    for row in ways:
        worth = "" if row["effective_share"] is None else f"{100 * row['effective_share']:.0f}"
        values.append([_way(row), worth, *(figure_cell(row[name]) for name in _names(ways))])
        if "change" in row:
            cells = (_change(row["change"][name]) for name in _names(ways))
            changes.append([_way(row), "", *cells])
    return [*lines, aligned([*values, *changes])]


def _names(ways: list[Figures]) -> list[str]:
    return [name for name in _HEADS if name in ways[0]]


def _heads(ways: list[Figures]) -> list[str]:
    return [_HEADS[name] for name in _names(ways)]


def _way(row: Figures) -> str:
    if row["balancing"] == "none":
        return "not balanced"
    strength = row["strength"]
    return row["balancing"] if strength is None else f"{row['balancing']}, {strength:g}"


def _change(figure: Figures) -> str:
    return f"{100 * figure['value']:+.1f}, {_reach(figure['interval'])}"


def _reach(span: list[float] | None) -> str:
    return "-" if span is None else f"{100 * span[0]:+.1f} to {100 * span[1]:+.1f}"


def _points(value: float) -> str:
    return f"{100 * value:.1f}".replace("-0.0", "0.0")
