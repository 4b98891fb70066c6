"""Tables with one row per face and frame: columns, CSV and parquet."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from mien.core.errors import InputError, MienError, OutputError
from mien.core.labels import EMOTIONS
from mien.core.media import Media
from mien.core.types import FrameReading, flat_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "CsvWriter", "ParquetWriter", "cell_text", "columns", "csv_rows", "to_table"]

COLUMNS: dict[str, type] = {
    "source": str,
    "frame": int,
    "time_s": float,
    "face": int,
    "track_id": int,
    "x": float,
    "y": float,
    "width": float,
    "height": float,
    "score": float,
    "top": str,
    **{emotion.value: float for emotion in EMOTIONS},
    "valence": float,
    "arousal": float,
    "sentiment": str,
    "uncertain": bool,
}
"""Names and types of the columns in order; only `track_id` may be null."""

Row = dict[str, Any]

_ROW_GROUP = 16_384


def columns(rows: Iterable[Row]) -> dict[str, list[Any]]:
    """Transpose rows to columns: one list per name in `COLUMNS`, empty lists without rows.

    `polars.DataFrame` and `pandas.DataFrame` accept the result.

    Raises:
        InputError: if a row lacks a column.
    """
    result: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for row in rows:
        for name, values in result.items():
            try:
                values.append(row[name])
            except (KeyError, TypeError):
                raise InputError(
                    f"a row has no {name!r}; give the rows of Analysis.to_dicts()"
                ) from None
    return result


def to_table(rows: Iterable[Row]) -> pa.Table:
    """Convert rows to a pyarrow table; its schema is the same if there are no rows.

    `polars.from_arrow(table)` and `table.to_pandas()` convert it to a data frame.

    Args:
        rows: as `Analysis.to_dicts` returns them.

    Raises:
        InputError: if a row lacks a column.
        OutputError: if pyarrow is not installed.
    """
    arrow = _pyarrow()
    result: pa.Table = arrow.table(columns(rows), schema=_schema(arrow))
    return result


def csv_rows(stream: TextIO, names: Sequence[str]) -> csv.DictWriter[str]:
    """A CSV writer for these columns whose rows end in a line feed."""
    return csv.DictWriter(_LineFeeds(stream), names, lineterminator="\r\n")


def cell_text(text: str) -> str:
    """A text as a cell of a CSV; spreadsheets would run one that begins like a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


class _LineFeeds:
    """A stream that replaces the CRLF at the end of each row (RFC 4180) by a line feed.

    The csv module of Python 3.11 quotes a line break only if it is part of its own line terminator:
    with a plain line feed, a carriage return in a file name would break the row.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(row.removesuffix("\r\n") + "\n")


class CsvWriter:
    """Writes CSV with a header; booleans are true and false, missing values are empty.

    Until the first source nothing is written, so that a failed start has nothing to salvage.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._writer = csv_rows(stream, list(COLUMNS))
        self._source = ""
        self._headed = False

    def begin(self, media: Media) -> None:
        """Start the rows of one source."""
        self._head()
        self._source = cell_text(media.source)

    def write(self, frame: FrameReading) -> None:
        """Add one row per face of a frame."""
        for row in flat_rows(self._source, [frame]):
            row["uncertain"] = "true" if row["uncertain"] else "false"
            self._writer.writerow(row)
        self._stream.flush()

    def end(self, error: MienError | None = None) -> None:
        """Do nothing: a table cannot hold an error."""

    def fail(self, source: str, error: MienError) -> None:
        """Do nothing: a source that could not be opened has no rows."""

    def close(self) -> None:
        """Write the header if there was no source, and flush the stream."""
        self._head()
        self._stream.flush()

    def _head(self) -> None:
        if not self._headed:
            self._writer.writeheader()
            self._headed = True


class ParquetWriter:
    """Writes a parquet file row group by row group, so that memory stays constant.

    Raises:
        OutputError: if pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        arrow = _pyarrow()
        import pyarrow.parquet

        self._file = path.open("wb")
        self._writer = pyarrow.parquet.ParquetWriter(self._file, _schema(arrow), compression="zstd")
        self._rows: list[Row] = []
        self._source = ""

    def begin(self, media: Media) -> None:
        """Start the rows of one source."""
        self._source = media.source

    def write(self, frame: FrameReading) -> None:
        """Add one row per face of a frame."""
        self._rows += flat_rows(self._source, [frame])
        if len(self._rows) >= _ROW_GROUP:
            self._flush()

    def end(self, error: MienError | None = None) -> None:
        """End the source; a table cannot hold its error."""

    def fail(self, source: str, error: MienError) -> None:
        """Do nothing: a source that could not be opened has no rows."""

    def close(self) -> None:
        """Write the remaining rows and the footer of the file."""
        try:
            if self._rows:
                self._flush()
            self._writer.close()
        finally:
            self._file.close()

    def _flush(self) -> None:
        self._writer.write_table(to_table(self._rows))
        self._rows = []


def _pyarrow() -> ModuleType:
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise OutputError(
            "parquet and data frames need pyarrow, which is not installed; "
            "run pip install '.[report]' in the folder of mien's source"
        ) from error


def _schema(arrow: ModuleType) -> Any:
    types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    return arrow.schema(
        [
            arrow.field(name, types[kind], nullable=name == "track_id")
            for name, kind in COLUMNS.items()
        ]
    )
