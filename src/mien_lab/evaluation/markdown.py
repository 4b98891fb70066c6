"""How figures are written in documents: shares, goals, tables."""

from collections.abc import Sequence

__all__ = ["MISSED", "met", "plain", "share", "table"]

MISSED = " (missed)"


def met(reached: bool) -> str:
    """Whether a goal was reached, in a word."""
    return "reached" if reached else "**missed**"


def share(value: float, bold: bool = False) -> str:
    """A share of 0 to 1 in per cent."""
    text = f"{100 * value:.1f} %"
    return f"**{text}**" if bold else text


def plain(value: float) -> str:
    """A number with two decimals."""
    return f"{value:.2f}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is the head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])
