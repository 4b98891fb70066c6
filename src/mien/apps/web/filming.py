"""One film: read frame by frame, its results written as it goes."""

import os
from contextlib import ExitStack
from pathlib import Path

from mien.apps.web.workspace import room_needed
from mien.core.errors import MediaError, MienError, TruncatedError
from mien.core.media import Frame, Media
from mien.core.types import FrameReading
from mien.pipeline.analyzer import Analyzer
from mien.report.annotations import AnnotatedCopy
from mien.report.clips import ClipWriter
from mien.report.codings import open_events
from mien.report.events import Event, EventFinder, ordered
from mien.report.html import open_html
from mien.report.writing import ReportFormat, ReportWriter, ReportWriters, open_report
from mien.vision.media import open_media
from mien.vision.stream import MediaStream

__all__ = ["FilmReader"]


class FilmReader:
    """Reads a film step by step, which is opened by the first; one thread at a time.

    Args:
        analyzer: reads the frames.
        film: where it lies.
        media: what is known of it, under the name that results call it by.
        room: the folder that results go into.
        max_duration_s: where reading ends.
        every: read every n-th frame.
        annotate: whether to write an annotated copy.

    Attributes:
        warning: what broke the film off, or why there is no annotated copy, if so.
        frame_count: how many are to be read, where the film says how many there are.
        frames_read: of the film so far.
        events: of the film, in order of their onset; complete when it is finished.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        film: Path,
        media: Media,
        room: Path,
        max_duration_s: float,
        every: int,
        annotate: bool,
    ) -> None:
        self.warning: str | None = None
        self.frame_count = media.frames_at(every)
        self.frames_read = 0
        self.events: list[Event] = []
        self._analyzer = analyzer
        self._reader = analyzer.parts.sequence()
        self._film = film
        self._stream: MediaStream | None = None
        self._limit = max_duration_s
        self._media = media
        self._last_s = media.start_s
        self._room = room
        self._every = every
        self._annotate = annotate
        self._results: dict[str, Path] = {}
        self._stack = ExitStack()
        self._finder = EventFinder()
        self._writer: ReportWriter = ReportWriters(())
        self._copy = AnnotatedCopy()

    @property
    def share(self) -> float | None:
        """How much is read, from 0 to 1; None where that is not known.

        Of the frames, or of the seconds where only the length is known (Matroska).
        """
        if self.frame_count:
            return min(self.frames_read / self.frame_count, 1.0)
        if self._media.duration_s:
            passed_s = self._last_s - self._media.start_s
            return min(max(passed_s / self._media.duration_s, 0.0), 1.0)
        return None

    def step(self) -> bool:
        """Decode one frame, and read it if it is one to be read; False at the end.

        What is left out is decoded in turns of its own, so that others do not wait for all of it.

        Raises:
            MienError: if nothing can be read, or the results cannot be written.
            ProblemError: if the disk is full.
        """
        try:
            frame = self._next()
        except MediaError as error:
            return self._break_off(error)
        if frame is None:
            return False
        self._last_s = frame.time_s
        if frame.index % self._every:
            return True
        reading = self._reader.read(frame)
        with room_needed():
            self._write(frame, reading)
        return True

    def finish(self) -> dict[str, Path]:
        """End the results; their paths by form.

        Raises:
            MienError: if there was no frame.
            ProblemError: if the disk is full.
        """
        if self.frames_read == 0:
            raise MediaError(f"{self._media.source} has no frames; export it again")
        fault = TruncatedError(self.warning) if self.warning else None
        with room_needed():
            self._writer.end(fault)
            self._stack.close()
        if self._copy.fault is not None:
            # Only the copy is missing.
            del self._results["film"]
            sentence = str(self._copy.fault).replace(f"{self._room}{os.sep}", "")
            self.warning = "; ".join(filter(None, (self.warning, sentence)))
        self.events = ordered(self.events + self._finder.finish())
        return self._results

    def close(self) -> None:
        """Let go of the film; results that are not finished are not kept."""
        if self._stream is not None:
            self._stream.close()
        try:
            self._stack.__exit__(MienError, MienError("abandoned"), None)
        except MienError:
            return

    def _next(self) -> Frame | None:
        if self._stream is None:
            limit = self._analyzer.config.max_pixels
            self._stream = open_media(self._film, max_pixels=limit, name=self._media.source)
        frame = next(self._stream, None)
        if frame is not None and frame.time_s - self._media.start_s > self._limit:
            raise MediaError(f"the film takes more than {self._limit:g} seconds; cut it into parts")
        return frame

    def _break_off(self, error: MienError) -> bool:
        """End with what was read so far; with nothing, fail."""
        if self.frames_read == 0:
            raise error
        self.warning = str(error)
        return False

    def _write(self, frame: Frame, reading: FrameReading) -> None:
        if self.frames_read == 0:
            self._open()
        self.frames_read += 1
        self.events += self._finder.add(reading)
        self._writer.write(reading)
        self._copy.write(frame, reading)

    def _open(self) -> None:
        model = self._analyzer.parts.provenance()
        enter = self._stack.enter_context
        writers: list[ReportWriter] = [
            enter(open_report(self._path(form.value, f"readings.{form}"), form, model))
            for form in (ReportFormat.JSON, ReportFormat.CSV)
        ]
        for result, name in (("events", "events.csv"), ("eaf", "events.eaf")):
            writers.append(enter(open_events(self._path(result, name), located=False)))
        writers.append(enter(open_html(self._path("report", "report.html"), model)))
        self._writer = ReportWriters(writers)
        self._writer.begin(self._media)
        if self._annotate:
            path = self._path("film", "annotated.mp4")
            self._copy = enter(AnnotatedCopy(ClipWriter(path, self._media, sound=self._film)))

    def _path(self, result: str, name: str) -> Path:
        """Where a result is written."""
        path = self._results[result] = self._room / name
        return path
