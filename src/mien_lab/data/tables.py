"""Reading and writing of CSV files with a header; gzip files can be read too."""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mien.core.errors import InputError, cause_of
from mien.report.files import atomic
from mien.report.tables import csv_rows

__all__ = ["first_names", "numbered_rows", "read_table", "write_table"]


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV in UTF-8 for `read_table`, atomically.

    Raises:
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    with atomic(path) as place, place.open("w", newline="", encoding="utf-8") as stream:
        table = csv_rows(stream, header)
        table.writeheader()
        table.writerows(dict(zip(header, row, strict=True)) for row in rows)


def read_table(path: Path, *columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of `numbered_rows` without line numbers."""
    return [row for _, row in numbered_rows(path, *columns)]


def numbered_rows(
    path: Path, *columns: Sequence[str], header: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV by lower-case column name, each with the number of its last line.

    Cells are stripped and blank lines skipped.

    Args:
        path: the file, in UTF-8; gzip-compressed if it ends in .gz.
        columns: required columns; of each sequence at least one must be present.
        header: column names of a file without a header.

    Raises:
        InputError: if the file is missing, unreadable or not a CSV, lacks a column, names one
            twice, or a row has a different number of cells than the header.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            first = next((line for line in reader if line), []) if header is None else header
            names = _names(path, first, columns)
            for line in reader:
                if line and len(line) != len(names):
                    raise InputError(
                        f"line {reader.line_num} of {path} has {len(line)} cells, not "
                        f"{len(names)}; correct it"
                    )
                if line:
                    cells = (cell.strip() for cell in line)
                    yield reader.line_num, dict(zip(names, cells, strict=True))
    except FileNotFoundError:
        raise InputError(f"{path} is missing; check the path") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be unpacked ({error}); get it again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {cause_of(error)}; name a file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8 ({error}); save it as one") from None


def first_names(names: Sequence[str], most: int = 20) -> str:
    """The first `most` names for a message, and the number of the others."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _names(path: Path, header: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    names = [name.strip().lower() for name in header]
    for some in columns:
        if not set(some) & set(names):
            raise InputError(
                f"{path} has no column {' or '.join(some)}, but: {', '.join(names) or 'none'}; "
                "its first line must name the columns, with commas between"
            )
    if twice := [name for name, count in Counter(names).items() if name and count > 1]:
        raise InputError(f"{path} has two columns {twice[0]!r}; remove or rename one")
    return names
