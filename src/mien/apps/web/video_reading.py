"""Reading of one video frame by frame, with results written on the way."""

from contextlib import ExitStack
from pathlib import Path

from mien.apps.web.workspace import disk_full_as_problem
from mien.core.errors import MediaError, MienError, TruncatedError, out_of_memory
from mien.core.media import Frame, Media
from mien.core.rhythm import SHORTEST_STEP_S
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

__all__ = ["VideoReader"]


class VideoReader:
    """Reads a video step by step; the first step opens it. For one thread at a time.

    Args:
        analyzer: reads the frames.
        video: path of the video.
        media: properties of the video; `source` is the name used in results.
        folder: folder for the results.
        max_duration_s: reading ends at this time in seconds.
        every: read every n-th frame.
        annotate: whether to write an annotated copy.

    Attributes:
        warning: why the video was interrupted or has no annotated copy; None without an error.
        frame_count: number of frames to read; None if the video does not state it.
        frames_read: number of frames read so far.
        events: events in order of onset; complete after `finish`.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        video: Path,
        media: Media,
        folder: Path,
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
        self._video = video
        self._stream: MediaStream | None = None
        self._limit = max_duration_s
        self._media = media
        self._last_s = media.start_s
        self._folder = folder
        self._every = every
        self._annotate = annotate
        self._results: dict[str, Path] = {}
        self._stack = ExitStack()
        self._finder = EventFinder()
        self._writer: ReportWriter = ReportWriters(())
        self._copy = AnnotatedCopy()

    @property
    def share(self) -> float | None:
        """Share of frames read, 0 to 1, or of seconds if only the duration is known (Matroska).

        None if neither is known.
        """
        if self.frame_count:
            return min(self.frames_read / self.frame_count, 1.0)
        if self._media.duration_s:
            passed_s = self._last_s - self._media.start_s
            return min(max(passed_s / self._media.duration_s, 0.0), 1.0)
        return None

    def step(self) -> bool:
        """Decode one frame and read it if it is an n-th one; False at the end.

        A skipped frame is a step of its own, so that other work in the pool does not wait longer.

        Raises:
            MienError: if no frame can be read, or the results cannot be written.
            ProblemError: if the disk is full.
        """
        try:
            frame, reading = self._next()
        except MemoryError:
            return self._end_early(out_of_memory(self._media.source))
        except MediaError as error:
            return self._end_early(error)
        if frame is None:
            return False
        self._last_s = frame.time_s
        if reading is not None:
            with disk_full_as_problem():
                self._write(frame, reading)
        return True

    def finish(self) -> dict[str, Path]:
        """Complete the results; returns their paths by name.

        Raises:
            MienError: if no frame was read.
            ProblemError: if the disk is full.
        """
        if self.frames_read == 0:
            raise MediaError(f"{self._media.source} has no frames; export it again")
        fault = TruncatedError(self.warning) if self.warning else None
        with disk_full_as_problem():
            self._writer.end(fault)
            self._stack.close()
        if self._copy.fault is not None:
            # The other results are complete.
            del self._results["film"]
            self.warning = "; ".join(filter(None, (self.warning, str(self._copy.fault))))
        self.events = ordered(self.events + self._finder.finish())
        return self._results

    def close(self) -> None:
        """Close the video; results that are not complete are discarded."""
        if self._stream is not None:
            self._stream.close()
        try:
            self._stack.__exit__(MienError, MienError("abandoned"), None)
        except MienError:
            return

    def _next(self) -> tuple[Frame | None, FrameReading | None]:
        """The next frame, None at the end, and its reading, None if it is skipped."""
        if self._stream is None:
            limit = self._analyzer.config.max_pixels
            self._stream = open_media(self._video, max_pixels=limit, name=self._media.source)
        frame = next(self._stream, None)
        if frame is None:
            return None, None
        long = frame.time_s - self._media.start_s > self._limit
        if long or frame.index * SHORTEST_STEP_S > self._limit:
            raise MediaError(f"the film takes more than {self._limit:g} seconds; cut it into parts")
        return frame, None if frame.index % self._every else self._reader.read(frame)

    def _end_early(self, fault: MediaError) -> bool:
        """Keep what has been read; False, for no more steps."""
        if self.frames_read == 0:
            raise fault
        self.warning = str(fault)
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
            enter(open_report(self._path(one.value, f"readings.{one}"), one, model))
            for one in (ReportFormat.JSON, ReportFormat.CSV)
        ]
        for result, name in (("events", "events.csv"), ("eaf", "events.eaf")):
            writers.append(enter(open_events(self._path(result, name), located=False)))
        writers.append(enter(open_html(self._path("report", "report.html"), model)))
        self._writer = ReportWriters(writers)
        self._writer.begin(self._media)
        if self._annotate:
            path = self._path("film", "annotated.mp4")
            self._copy = enter(AnnotatedCopy(ClipWriter(path, self._media, sound=self._video)))

    def _path(self, result: str, name: str) -> Path:
        """The path of a result, noted under its name."""
        path = self._results[result] = self._folder / name
        return path
