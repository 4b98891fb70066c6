"""`mien analyze`: pictures and films in, readings out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer
from rich.progress import Progress, TaskID

from mien.apps.cli.console import complain, printable, progress_bar, screen
from mien.apps.cli.opening import opened
from mien.apps.cli.outputs import Outputs, check_outputs, named_path
from mien.apps.cli.signals import ENDINGS, handled_once, leave
from mien.apps.cli.table import TableWriter
from mien.core.errors import MediaError, MienError, OutputError
from mien.core.types import Frame, FrameReading, Media
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.build import DEFAULT_PRECISION, EDGE, Config
from mien.report.annotations import AnnotationFolder, Annotator, is_annotation
from mien.report.codings import check_coding, open_events
from mien.report.html import check_html, open_html
from mien.report.writing import ReportFormat, ReportWriter, open_report
from mien.vision.media import DEFAULT_MAX_PIXELS
from mien.vision.sources import display_name, find_sources
from mien.vision.stream import MediaStream

__all__ = ["analyze"]


class Format(StrEnum):
    """What the readings are printed or written as."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Precision(StrEnum):
    """Of the expression network."""

    FP32 = "fp32"
    INT8 = "int8"


def analyze(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures, films, folders or patterns.")
    ],
    form: Annotated[Format, typer.Option("--format", help="Form of the output.")] = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=named_path, help="File to write instead of stdout (-)."
        ),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            parser=named_path,
            help="Folder for annotated pictures and clips. *.annotated.* in it are taken for those "
            "of an earlier run: replaced, and neither read nor kept unless named outright.",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=named_path,
            help="Write when expressions come and go, to a .csv or ELAN's .eaf.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=named_path,
            help="Write a page with charts and events, to an .html.",
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Read each N-th frame of a film.")] = 1,
    min_face: Annotated[float, typer.Option(min=0, help="Leave out faces below so many px.")] = 0,
    search_size: Annotated[
        int | None,
        typer.Option(
            min=64,
            help="Longest side in px at which faces are searched; if not given 1280, of films "
            "mostly 640.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.999,
            help="Least score of a face; if not given that of mien/weights/refiner.json.",
        ),
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help=f"Of the network; {DEFAULT_PRECISION} if not given.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="All cores if not given.")] = None,
    edge: Annotated[
        bool, typer.Option("--edge", help="For small boards: one thread, int8, search at 320 px.")
    ] = False,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse pictures with more pixels.")
    ] = DEFAULT_MAX_PIXELS,
) -> None:
    """Read how expressions appear on the faces in pictures and films.

    Exits with 0 if all was read, 1 if some was not (the rest is written), 2 on wrong usage.
    """
    out = None if out is not None and str(out) == "-" else out
    _check(form, out)
    drawn = partial(is_annotation, folder=annotate) if annotate else lambda _: False
    found = find_sources(paths, leave_out=drawn)
    if events is not None:
        check_coding(events, len(found.paths))
    if report is not None:
        check_html(report)
    check_outputs((out, events, report), found.paths)
    base = EDGE if edge else Config()
    config = replace(
        base,
        precision=precision.value if precision else base.precision,
        threads=threads or base.threads,
        threshold=threshold,
        min_face=min_face,
        search_size=search_size or base.search_size,
        max_pixels=max_pixels,
    )
    with handled_once(ENDINGS, leave), ExitStack() as stack:
        analyzer = stack.enter_context(Analyzer(config))
        folder = AnnotationFolder(annotate, found.paths) if annotate else None
        outputs = stack.enter_context(Outputs(alone=folder is None))
        model = analyzer.parts.provenance()
        if form is Format.TABLE:
            outputs.show(_table())
        elif out is None:
            outputs.show(open_report(sys.stdout, ReportFormat(form.value), model))
        else:
            outputs.add(open_report(out, ReportFormat(form.value), model))
        if events is not None:
            outputs.add(open_events(events))
        if report is not None:
            outputs.add(open_html(report, model))
        # Rows on the screen and the bar would overwrite each other.
        rows = out is None and form is not Format.TABLE and sys.stdout.isatty()
        run = _Run(analyzer, outputs, folder, every, bar=not rows)
        for source, error in found.failures:
            run.fail(source, error)
        run.read(found.paths)
    if run.failures or outputs.failures:
        raise typer.Exit(1)


@dataclass
class _Run:
    """One source after the other; a failure of one never stops the others."""

    analyzer: Analyzer
    writer: ReportWriter
    annotations: AnnotationFolder | None
    every: int
    bar: bool
    failures: int = 0

    def fail(self, source: str, error: MienError) -> None:
        self._report(source, error)
        self.writer.fail(source, error)

    def read(self, paths: list[Path]) -> None:
        config = self.analyzer.config
        coming = opened(
            paths,
            every=self.every,
            max_pixels=config.max_pixels,
            ahead=config.threads != 1,
        )
        with progress_bar(shown=self.bar) as bar, closing(coming) as sources:
            whole = bar.add_task("sources", total=len(paths)) if len(paths) > 1 else None
            for path, stream in sources:
                task = bar.add_task(printable(path.name), total=None)
                if isinstance(stream, MienError):
                    self.fail(display_name(path), stream)
                else:
                    self._read(stream, _steps(bar, task, stream.media, self.every))
                bar.remove_task(task)
                if whole is not None:
                    bar.advance(whole)

    def _read(self, stream: MediaStream, advance: Callable[[FrameReading], None]) -> None:
        """Read an open source; what came before a fault is written and annotated."""
        source = stream.media.source
        fault: MienError | None = None
        started = False
        with (
            stream,
            closing(self.analyzer.read_stream(stream)) as pairs,
            _Annotation(self.annotations, stream.media) as annotation,
        ):
            try:
                for frame, reading in pairs:
                    if not started:
                        self.writer.begin(stream.media)
                        started = True
                    self.writer.write(reading)
                    annotation.write(frame, reading)
                    advance(reading)
            except MienError as error:
                fault = error
            except MemoryError:
                fault = MediaError(f"{source} needs more memory than there is; make it smaller")
        if fault is not None and not started:
            self.fail(source, fault)
            return
        if not started:
            self.writer.begin(stream.media)
        if fault is not None:
            self._report(source, fault)
        self.writer.end(fault)
        if annotation.fault is not None:
            self._report(source, annotation.fault)

    def _report(self, source: str, error: MienError) -> None:
        self.failures += 1
        sentence = str(error)
        complain(sentence if source in sentence else f"{source}: {sentence}")


def _steps(bar: Progress, task: TaskID, media: Media, every: int) -> Callable[[FrameReading], None]:
    """What moves the bar on: by frames, or by seconds where only the length is known (Matroska)."""
    if media.frame_count is None and media.duration_s is not None:
        bar.update(task, total=media.duration_s)
        return lambda reading: bar.update(task, completed=reading.time_s - media.start_s)
    bar.update(task, total=media.frame_count and -(-media.frame_count // every))
    return lambda _: bar.advance(task)


class _Annotation:
    """The annotated copy of one source, if asked for; where it fails, reading goes on without it.

    Attributes:
        fault: why there is no copy, if it could not be written.
    """

    def __init__(self, folder: AnnotationFolder | None, media: Media) -> None:
        self.fault: OutputError | None = None
        self._folder = folder
        self._media = media
        self._stack = ExitStack()
        self._annotator: Annotator | None = None

    def write(self, frame: Frame, reading: FrameReading) -> None:
        if self._annotator is None:
            return
        try:
            self._annotator.write(frame, reading)
        except OutputError as error:
            self.fault, self._annotator = error, None
            with suppress(OutputError):
                self._stack.__exit__(OutputError, error, error.__traceback__)

    def __enter__(self) -> Self:
        if self._folder is not None:
            self._annotator = self._stack.enter_context(self._folder.open(self._media))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
        except OutputError as refusal:
            # What went wrong elsewhere goes on as it is.
            self.fault = self.fault or refusal


def _check(form: Format, out: Path | None) -> None:
    if form is Format.TABLE and out is not None:
        raise typer.BadParameter("a table goes to the screen; choose another --format")
    if form is Format.PARQUET and out is None:
        raise typer.BadParameter("parquet cannot go to the screen; name a file with --out")


@contextmanager
def _table() -> Iterator[ReportWriter]:
    table = TableWriter(screen())
    yield table
    table.close()
