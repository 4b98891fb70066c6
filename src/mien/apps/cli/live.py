"""`mien live`: read a camera, a stream, or a video at its own pace."""

import statistics
import sys
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from mien.apps.cli.console import complain, screen
from mien.apps.cli.display import LiveView
from mien.apps.cli.options import (
    Edge,
    MinFace,
    SearchSize,
    Threads,
    base_config,
    path_option,
)
from mien.apps.cli.outputs import Outputs, check_outputs
from mien.apps.cli.signals import ENDINGS, handled_once, leave
from mien.core.errors import InputError, MienError
from mien.core.media import Media
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.live import LiveReader, LiveReading
from mien.report.writing import ReportFormat, ReportWriter, open_report
from mien.vision.camera import find_camera, open_camera

__all__ = ["live"]


def live(
    source: Annotated[
        str, typer.Argument(help="Number of a camera, device, address, or a film as if live.")
    ] = "0",
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="A line of JSON per picture on stdout instead.")
    ] = False,
    record: Annotated[
        Path | None,
        path_option("Write readings to a .jsonl, .json, .csv or .parquet; never pictures."),
    ] = None,
    edge: Edge = False,
    search_size: SearchSize = None,
    min_face: MinFace = 0,
    threads: Threads = None,
) -> None:
    """Read the apparent facial expressions in live pictures; Ctrl-C ends.

    Always reads the newest picture; those that arrive meanwhile are dropped and counted. A lost
    camera is opened again.
    """
    config = base_config(edge=edge, threads=threads, search_size=search_size, min_face=min_face)
    report_format = _record_format(record)
    camera = find_camera(source)
    check_outputs([record], [Path(camera.target)] if camera.film else [])
    tally = _Tally()
    fault: BaseException | None = None
    with handled_once(ENDINGS, leave), ExitStack() as stack:
        analyzer = stack.enter_context(Analyzer(config))
        outputs = stack.enter_context(Outputs(stop_when_all_failed=False))
        if jsonl:
            outputs.show(open_report(sys.stdout, ReportFormat.JSONL, {}))
        if record is not None and report_format is not None:
            # A camera cannot be read a second time.
            outputs.add(
                open_report(record, report_format, analyzer.parts.provenance(), salvage=True)
            )
        reader = LiveReader(
            partial(open_camera, camera, max_pixels=config.max_pixels),
            analyzer.parts.sequence(live=True),
            retry=not camera.film,
        )
        try:
            _run(reader, _Sink(outputs), None if jsonl else LiveView(), tally)
        except (MienError, OSError, KeyboardInterrupt, SystemExit) as error:
            if not tally.read:
                raise
            # Raised only after the outputs are closed, or the recorded files would be discarded.
            fault = error
        if record is not None and not tally.read:
            complain("ended before the first picture; nothing is recorded")
            # Raised before the outputs are closed, which would replace an existing file.
            raise typer.Exit(1)
    if fault is not None:
        raise fault
    if outputs.failures:
        raise typer.Exit(1)


def _record_format(record: Path | None) -> ReportFormat | None:
    if record is None:
        return None
    try:
        return ReportFormat(record.suffix.lower().lstrip("."))
    except ValueError:
        extensions = ", ".join(f".{known}" for known in ReportFormat)
        raise InputError(f"{record} must end in one of: {extensions}") from None


def _run(reader: LiveReader, sink: "_Sink", view: LiveView | None, tally: "_Tally") -> None:
    """Read until the source ends or the user stops it."""
    shown = (
        ExitStack()
        if view is None
        else Live(
            view,
            console=screen(),
            refresh_per_second=12,
            transient=True,
            # Rich would print to stdout what is meant for a log.
            redirect_stderr=sys.stderr.isatty(),
        )
    )
    fault: MienError | None = None
    try:
        # The first signal ends after the current frame, the second at once.
        stopping = handled_once(ENDINGS, lambda _: reader.stop())
        with stopping, closing(reader.events()) as events, shown:
            for event in events:
                if isinstance(event, LiveReading):
                    tally.add(event)
                    sink.write(event)
                    if view is not None:
                        view.take(event)
                else:
                    complain(event.text)
                    if view is not None:
                        view.say(event.text)
    except MienError as error:
        fault = error
        raise
    finally:
        try:
            sink.end(fault)
        finally:
            if tally.read:
                complain(tally.sentence())


class _Sink:
    """Writes readings to a report; a change of frame size starts a new source."""

    def __init__(self, writer: ReportWriter) -> None:
        self._writer = writer
        self._media: Media | None = None

    def write(self, event: LiveReading) -> None:
        if event.media != self._media:
            self.end()
            self._writer.begin(event.media)
            self._media = event.media
        self._writer.write(event.reading)

    def end(self, error: MienError | None = None) -> None:
        if self._media is not None:
            self._writer.end(error)
        self._media = None


@dataclass
class _Tally:
    """Totals of the session."""

    read: int = 0
    dropped: int = 0
    delays_ms: deque[float] = field(default_factory=lambda: deque(maxlen=5000))

    def add(self, event: LiveReading) -> None:
        self.read += 1
        self.dropped = event.dropped
        self.delays_ms.append(event.delay_s * 1e3)

    def sentence(self) -> str:
        share = self.dropped / (self.read + self.dropped)
        return (
            f"{self.read} pictures read, {self.dropped} dropped ({share:.1%}), "
            f"median delay {statistics.median(self.delays_ms):.0f} ms"
        )
