"""What `mien analyze` does with its sources, once it is known which and where results go."""

from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import Progress, TaskID

from mien.apps.cli.console import complain, printable, progress_bar
from mien.apps.cli.opening import opened
from mien.core.errors import MediaError, MienError, OutputError
from mien.core.media import Frame, Media
from mien.core.types import FrameReading
from mien.pipeline.analyzer import Analyzer
from mien.report.annotations import AnnotationFolder, Annotator
from mien.report.writing import ReportWriter
from mien.vision.sources import display_name
from mien.vision.stream import MediaStream

__all__ = ["Run"]


@dataclass
class Run:
    """One source after the other; a failure of one never stops the others."""

    analyzer: Analyzer
    writer: ReportWriter
    annotations: AnnotationFolder | None
    """Where annotated copies go, if anywhere."""
    every: int
    """Of a film, each so-many-th frame is read."""
    bar: bool
    """Whether a terminal shows how far it is."""
    failures: int = 0
    """Sources, and annotated copies, that failed so far; each was complained of."""

    def fail(self, source: str, error: MienError) -> None:
        """Complain of a source that could not be read at all, and note it in the results."""
        self._report(source, error)
        self.writer.fail(source, error)

    def read(self, paths: list[Path]) -> None:
        """Read all, those to come being opened while one is read."""
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
    bar.update(task, total=media.frames_at(every))
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
