"""`mien live`: a camera, a stream or a film as if live, read as it comes."""

import statistics
import sys
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from mien.apps.cli.console import complain, screen
from mien.apps.cli.display import LiveView
from mien.apps.cli.outputs import Outputs, check_outputs, named_path
from mien.apps.cli.signals import ENDINGS, handled_once, leave
from mien.core.errors import InputError, MienError
from mien.core.media import Media
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.build import EDGE, Config
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
        typer.Option(
            metavar="FILE",
            parser=named_path,
            help="Write readings to a .jsonl, .json, .csv or .parquet; never pictures.",
        ),
    ] = None,
    edge: Annotated[
        bool, typer.Option("--edge", help="For small boards: one thread, int8, search at 320 px.")
    ] = False,
    search_size: Annotated[
        int | None,
        typer.Option(
            min=64, help="Longest side in px at which faces are searched; 640 if not given."
        ),
    ] = None,
    min_face: Annotated[float, typer.Option(min=0, help="Leave out faces below so many px.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="All cores if not given.")] = None,
) -> None:
    """Read how expressions appear in live pictures; Ctrl-C ends.

    The newest picture is read always, and those that come meanwhile are dropped and counted. A
    lost camera is tried again.
    """
    config = _config(edge, search_size, min_face, threads)
    form = _form(record)
    camera = find_camera(source)
    check_outputs([record], [Path(camera.target)] if camera.film else [])
    tally = _Tally()
    fault: BaseException | None = None
    with handled_once(ENDINGS, leave), ExitStack() as stack:
        analyzer = stack.enter_context(Analyzer(config))
        outputs = stack.enter_context(Outputs(alone=False))
        if jsonl:
            outputs.show(open_report(sys.stdout, ReportFormat.JSONL, {}))
        if record is not None and form is not None:
            # What a camera saw cannot be read a second time.
            outputs.add(open_report(record, form, analyzer.parts.provenance(), salvage=True))
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
            # What was read is written first; an exception would take the files with it.
            fault = error
    if fault is not None:
        raise fault
    if outputs.failures:
        raise typer.Exit(1)


def _config(edge: bool, search_size: int | None, min_face: float, threads: int | None) -> Config:
    base = EDGE if edge else Config()
    return replace(
        base,
        min_face=min_face,
        search_size=search_size or base.search_size,
        threads=threads or base.threads,
    )


def _form(record: Path | None) -> ReportFormat | None:
    if record is None:
        return None
    try:
        return ReportFormat(record.suffix.lower().lstrip("."))
    except ValueError:
        known = ", ".join(f".{form}" for form in ReportFormat)
        raise InputError(f"{record} must end in one of: {known}") from None


def _run(reader: LiveReader, sink: "_Sink", view: LiveView | None, tally: "_Tally") -> None:
    """Until the source ends or the user ends it."""
    shown = (
        ExitStack()
        if view is None
        else Live(view, console=screen(), refresh_per_second=12, transient=True)
    )
    fault: MienError | None = None
    try:
        # Ctrl-C and the like: end after the picture at hand; the second time, at once.
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
    """Readings into a report; pictures of another size begin a new source in it."""

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
    """What the session adds up to."""

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
