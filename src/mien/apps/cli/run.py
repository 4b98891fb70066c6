"""The main loop of `mien analyze`: read each source and write its results."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress, TaskID

from mien.apps.cli.console import complain, printable, progress_bar
from mien.apps.cli.opening import opened
from mien.core.errors import MienError, TooLargeError, out_of_memory, unforeseen
from mien.core.media import Frame, Media
from mien.core.types import FrameReading
from mien.pipeline.analyzer import Analyzer
from mien.report.annotations import AnnotatedCopy, AnnotationFolder
from mien.report.writing import ReportWriter
from mien.vision.sources import display_name
from mien.vision.stream import MediaStream

__all__ = ["Run"]


@dataclass
class Run:
    """Reads one source after the other; a source that fails does not stop the others."""

    analyzer: Analyzer
    writer: ReportWriter
    annotations: AnnotationFolder | None
    """Receives annotated copies; None if none are wanted."""
    every: int
    """Read every n-th frame of a video."""
    bar: bool
    """Whether to show a progress bar on a terminal."""
    failures: int = 0
    """Number of sources and annotated copies that failed so far; each was reported."""

    def fail(self, source: str, error: MienError) -> None:
        """Report a source that could not be read at all, and note it in the results."""
        self._report(source, error)
        self.writer.fail(source, error)

    def read(self, paths: list[Path]) -> None:
        """Read all sources, opening the next one while one is read."""
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
        """Read an open source; frames before an error are written and annotated."""
        source = stream.media.source
        fault: MienError | None = None
        started = False
        with (
            stream,
            closing(self._pairs(stream)) as pairs,
            self._annotated(stream.media) as copy,
        ):
            try:
                for frame, reading in pairs:
                    if not started:
                        self.writer.begin(stream.media)
                        started = True
                    self.writer.write(reading)
                    copy.write(frame, reading)
                    advance(reading)
            except MienError as error:
                fault = error
            except MemoryError:
                fault = out_of_memory(source)
        if fault is not None and not started:
            self.fail(source, fault)
            return
        if not started:
            self.writer.begin(stream.media)
        if fault is not None:
            self._report(source, fault)
        self.writer.end(fault)
        if copy.fault is not None:
            self._report(source, copy.fault)

    def _pairs(self, stream: MediaStream) -> Generator[tuple[Frame, FrameReading], None, None]:
        """Frames with their readings; an error in reading is one of this source alone."""
        with closing(self.analyzer.read_stream(stream)) as pairs:
            try:
                yield from pairs
            except (MienError, MemoryError):
                raise
            except Exception as error:
                raise unforeseen(stream.media.source, error) from error

    def _annotated(self, media: Media) -> AnnotatedCopy:
        folder = self.annotations
        return AnnotatedCopy(None if folder is None else folder.open(media))

    def _report(self, source: str, error: MienError) -> None:
        self.failures += 1
        sentence = str(error)
        if isinstance(error, TooLargeError):
            sentence = sentence.replace("(max_pixels)", "(--max-pixels)")
        complain(sentence if source in sentence else f"{source}: {sentence}")


def _steps(bar: Progress, task: TaskID, media: Media, every: int) -> Callable[[FrameReading], None]:
    """The callback that advances the bar: by frames, or by seconds if only the duration is known.

    Matroska files, for example, do not state their number of frames.
    """
    if media.frame_count is None and media.duration_s is not None:
        bar.update(task, total=media.duration_s)
        return lambda reading: bar.update(task, completed=reading.time_s - media.start_s)
    bar.update(task, total=media.frames_at(every))
    return lambda _: bar.advance(task)
