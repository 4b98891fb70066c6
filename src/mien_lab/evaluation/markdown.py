"""Formatting of figures in documents: shares, goals, tables."""

from collections.abc import Sequence

__all__ = ["MISSED", "met", "plain", "share", "table"]

MISSED = " (missed)"


def met(reached: bool) -> str:
    """A word for whether a goal was reached."""
    return "reached" if reached else "**missed**"


def share(value: float, bold: bool = False) -> str:
    """A share from 0 to 1 as a percentage with one decimal."""
    text = f"{100 * value:.1f} %"
    return f"**{text}**" if bold else text


def plain(value: float) -> str:
    """A number with two decimals."""
    return f"{value:.2f}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is the header."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])
