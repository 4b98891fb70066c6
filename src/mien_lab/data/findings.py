"""Findings about the pictures of a collection, and the table that lists them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path

from mien.core.errors import InputError
from mien_lab.data.tables import read_table, write_table

__all__ = [
    "Finding",
    "Reason",
    "count_reasons",
    "parse_reason",
    "read_findings",
    "write_findings",
]


class Reason(StrEnum):
    """The kinds of findings."""

    UNREADABLE = "unreadable"
    UNLABELLED = "no label"
    BLANK = "blank"
    NO_FACE = "no face found"
    DOUBTFUL_CROP = "perhaps not a face"
    LEAK = "copy across splits"
    COPY = "copy within a split"
    ALIKE = "perhaps a copy"
    SUBJECT = "subject in several splits"
    LABEL = "likely label error"


@dataclass(frozen=True)
class Finding:
    """One finding about one sample.

    Attributes:
        name: name of the sample.
        reason: kind of finding.
        detail: short description; names the other sample, if any.
    """

    name: str
    reason: Reason
    detail: str


def count_reasons(findings: Iterable[Finding]) -> dict[str, int]:
    """Number of findings of each kind, in the order of `Reason`; kinds without any are omitted."""
    counts = Counter(finding.reason for finding in findings)
    return {reason.value: counts[reason] for reason in Reason if counts[reason]}


def parse_reason(name: str) -> Reason:
    """Parse the name of a reason.

    Raises:
        InputError: if it is unknown; the message lists all.
    """
    try:
        return Reason(name.strip().lower())
    except ValueError:
        known = ", ".join(Reason)
        raise InputError(f"there is no finding {name!r}; choose one of: {known}") from None


def read_findings(path: Path) -> list[Finding]:
    """Read a file written by `write_findings`.

    Raises:
        InputError: if it is missing or has another format.
    """
    rows = read_table(path, ("name",), ("reason",), ("detail",))
    return [Finding(row["name"], parse_reason(row["reason"]), row["detail"]) for row in rows]


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write a CSV of `name,reason,detail`, one row per finding.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    write_table(path, [field.name for field in fields(Finding)], map(astuple, findings))
