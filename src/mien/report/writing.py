"""The one way to write readings in any form, to a file or a stream."""

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
    """The forms that readings are written in."""

    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class ReportWriter(Protocol):
    """Takes the readings of one source after the other.

    For each source: `begin`, `write` per frame, `end`; or `fail` alone if it could not be opened.
    """

    def begin(self, media: Media) -> None:
        """Start a source."""
        ...

    def write(self, frame: FrameReading) -> None:
        """Add a frame of the source."""
        ...

    def end(self, error: MienError | None = None) -> None:
        """End the source, with the error that broke it off if there was one."""
        ...

    def fail(self, source: str, error: MienError) -> None:
        """Note a source that could not be opened."""
        ...


class FanOut(ABC):
    """A writer that hands everything on to others."""

    @abstractmethod
    def each(self, act: Callable[[ReportWriter], None]) -> None:
        """Do something to each of them."""

    def begin(self, media: Media) -> None:
        """Start a source."""
        self.each(lambda writer: writer.begin(media))

    def write(self, frame: FrameReading) -> None:
        """Add a frame of the source."""
        self.each(lambda writer: writer.write(frame))

    def end(self, error: MienError | None = None) -> None:
        """End the source, with the error that broke it off if there was one."""
        self.each(lambda writer: writer.end(error))

    def fail(self, source: str, error: MienError) -> None:
        """Note a source that could not be opened."""
        self.each(lambda writer: writer.fail(source, error))


class ReportWriters(FanOut):
    """Several writers as one; the first that fails is the end of all."""

    def __init__(self, writers: Sequence[ReportWriter]) -> None:
        self._writers = writers

    def each(self, act: Callable[[ReportWriter], None]) -> None:
        """Do something to each writer."""
        for writer in self._writers:
            act(writer)


@contextmanager
def open_report(
    out: str | os.PathLike[str] | TextIO,
    form: ReportFormat,
    model: Mapping[str, Any],
    *,
    salvage: bool = False,
) -> Iterator[ReportWriter]:
    """Open a report; a file appears under its name when the block ends without an exception.

    Args:
        out: a path, or a text stream such as standard output, which stays open.
        form: the form to write.
        model: what the JSON document says of the model; plain values.
        salvage: keep the rows of a file that cannot be finished in one beside it whose name says
            `partial`; JSON and parquet are of no use unfinished.

    Yields:
        A writer for the readings.

    Raises:
        InputError: for parquet into a stream.
        OutputError: if the file cannot be written; nothing is left under its name.
    """
    if not isinstance(out, str | os.PathLike):
        if form is ReportFormat.PARQUET:
            raise InputError("parquet cannot be written to a stream; name a file with --out")
        writer = _text_writer(out, form, model)
        yield writer
        writer.close()
        return
    rows = form in (ReportFormat.JSONL, ReportFormat.CSV)
    with atomic(out, salvage=salvage and rows) as path:
        if form is ReportFormat.PARQUET:
            yield from _parquet(path)
        else:
            yield from _text(path, form, model)


def _parquet(path: Path) -> Iterator[ReportWriter]:
    writer = ParquetWriter(path)
    try:
        yield writer
    finally:
        writer.close()


def _text(path: Path, form: ReportFormat, model: Mapping[str, Any]) -> Iterator[ReportWriter]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = _text_writer(stream, form, model)
        yield writer
        writer.close()


def _text_writer(
    stream: TextIO, form: ReportFormat, model: Mapping[str, Any]
) -> JsonWriter | JsonlWriter | CsvWriter:
    if form is ReportFormat.JSON:
        return JsonWriter(stream, model)
    return JsonlWriter(stream) if form is ReportFormat.JSONL else CsvWriter(stream)
