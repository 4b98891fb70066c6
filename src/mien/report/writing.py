"""Reports of readings in all formats, to a file or a stream."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TextIO

from mien.core.errors import InputError, MienError
from mien.core.media import Media
from mien.core.types import FrameReading
from mien.report.documents import JsonlWriter, JsonWriter
from mien.report.files import atomic
from mien.report.tables import CsvWriter, ParquetWriter

__all__ = ["FanOut", "ReportFormat", "ReportWriter", "ReportWriters", "open_report"]


class ReportFormat(StrEnum):
    """The formats in which readings are written."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class ReportWriter(Protocol):
    """Receives the readings of one source after the other.

    For each source: `begin`, `write` per frame, `end`; or only `fail` if it could not be opened.
    """

    def begin(self, media: Media) -> None:
        """Start a source."""
        ...

    def write(self, frame: FrameReading) -> None:
        """Add a frame of the source."""
        ...

    def end(self, error: MienError | None = None) -> None:
        """End the source, with the error that interrupted it if there was one."""
        ...

    def fail(self, source: str, error: MienError) -> None:
        """Note a source that could not be opened."""
        ...


class FanOut(ABC):
    """A writer that forwards to several others."""

    @abstractmethod
    def each(self, act: Callable[[ReportWriter], None]) -> None:
        """Apply `act` to each writer."""

    def begin(self, media: Media) -> None:
        """Start a source."""
        self.each(lambda writer: writer.begin(media))

    def write(self, frame: FrameReading) -> None:
        """Add a frame of the source."""
        self.each(lambda writer: writer.write(frame))

    def end(self, error: MienError | None = None) -> None:
        """End the source, with the error that interrupted it if there was one."""
        self.each(lambda writer: writer.end(error))

    def fail(self, source: str, error: MienError) -> None:
        """Note a source that could not be opened."""
        self.each(lambda writer: writer.fail(source, error))


class ReportWriters(FanOut):
    """Several writers as one; the first error of any is raised."""

    def __init__(self, writers: Sequence[ReportWriter]) -> None:
        self._writers = writers

    def each(self, act: Callable[[ReportWriter], None]) -> None:
        """Apply `act` to each writer."""
        for writer in self._writers:
            act(writer)


@contextmanager
def open_report(
    out: str | os.PathLike[str] | TextIO,
    report_format: ReportFormat,
    model: Mapping[str, Any],
    *,
    salvage: bool = False,
) -> Iterator[ReportWriter]:
    """Open a report; a file appears under its name when the block ends without an exception.

    Args:
        out: a path, or a text stream such as standard output, which stays open.
        report_format: the format to write.
        model: provenance of the weights for the JSON document, of values that JSON can hold.
        salvage: if the block fails, keep the rows written so far in a file beside `out` with
            `partial` in its name; for JSONL and CSV only, which remain readable.

    Yields:
        A writer for the readings.

    Raises:
        InputError: for parquet to a stream.
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    if not isinstance(out, str | os.PathLike):
        if report_format is ReportFormat.PARQUET:
            raise InputError("parquet cannot be written to a text stream; give the path of a file")
        writer = _text_writer(out, report_format, model)
        yield writer
        writer.close()
        return
    rows = report_format in (ReportFormat.JSONL, ReportFormat.CSV)
    with atomic(out, salvage=salvage and rows) as path:
        if report_format is ReportFormat.PARQUET:
            yield from _parquet(path)
        else:
            yield from _text(path, report_format, model)


def _parquet(path: Path) -> Iterator[ReportWriter]:
    writer = ParquetWriter(path)
    try:
        yield writer
    finally:
        writer.close()


def _text(
    path: Path, report_format: ReportFormat, model: Mapping[str, Any]
) -> Iterator[ReportWriter]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = _text_writer(stream, report_format, model)
        yield writer
        writer.close()


def _text_writer(
    stream: TextIO, report_format: ReportFormat, model: Mapping[str, Any]
) -> JsonWriter | JsonlWriter | CsvWriter:
    if report_format is ReportFormat.JSON:
        return JsonWriter(stream, model)
    return JsonlWriter(stream) if report_format is ReportFormat.JSONL else CsvWriter(stream)
