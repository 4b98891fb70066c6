"""Group membership as given by the user; mien never infers age, gender or origin."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.core.errors import InputError
from mien_lab.data.tables import first_names, read_table

__all__ = ["Groups", "crossed", "read_groups"]


@dataclass(frozen=True)
class Groups:
    """Groups of samples.

    Attributes:
        columns: group of each sample, (n,), by column name; an empty string where none is given.
        unmatched: names in the table that match no sample.
    """

    columns: Mapping[str, tuple[str, ...]]
    unmatched: tuple[str, ...] = ()


def read_groups(path: Path, names: Sequence[str]) -> Groups:
    """Read a CSV with the column `name` and one or more columns of groups.

    Args:
        path: the file, in UTF-8.
        names: (n,) names of the samples, which set the order of the result.

    Raises:
        InputError: if the file is missing, lacks a column, names a sample twice or matches none.
    """
    rows = read_table(path, ("name",))
    columns = [column for column in (rows[0] if rows else ()) if column not in ("", "name")]
    if not columns:
        raise InputError(
            f"{path} has no group to compare; give rows and, beside name, a column for each kind "
            "of group"
        )
    listed = Counter(row["name"] for row in rows)
    if twice := [name for name, count in listed.items() if count > 1]:
        raise InputError(f"{path} lists {_quoted(twice)} more than once; keep one row of each")
    known = set(names)
    unmatched = tuple(name for name in listed if name not in known)
    if len(unmatched) == len(listed):
        raise InputError(
            f"no name in {path} is that of a sample: it has {_quoted(unmatched)}, the samples are "
            f"called {_quoted(names)}; give each sample's name as the collection has it"
        )
    by_name = {row["name"]: row for row in rows}
    return Groups(
        {
            column: tuple(by_name[name][column] if name in by_name else "" for name in names)
            for column in columns
        },
        unmatched,
    )


def crossed(columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Intersections of each pair of columns; empty for samples that lack either group.

    Raises:
        InputError: if the name of an intersection or of one of its groups is ambiguous.
    """
    crossings: dict[str, tuple[str, ...]] = {}
    for first, second in itertools.combinations(columns, 2):
        name = f"{first} and {second}"
        if name in columns:
            raise InputError(f"a column is named {name!r}, as an intersection is; rename it")
        if name in crossings:
            raise InputError(f"two intersections of columns are named {name!r}; rename a column")
        pairs = list(zip(columns[first], columns[second], strict=True))
        names = {pair: ", ".join(pair) if all(pair) else "" for pair in pairs}
        meant = Counter(filter(None, names.values()))
        if both := [text for text, count in meant.items() if count > 1]:
            raise InputError(
                f"two groups of {name} are named {both[0]!r}; rename one that has a comma"
            )
        crossings[name] = tuple(names[pair] for pair in pairs)
    return crossings


def _quoted(names: Sequence[str]) -> str:
    return first_names([repr(name) for name in names], most=3)
