"""One film: read frame by frame, its results written as it goes."""

from contextlib import ExitStack
from pathlib import Path

from mien.core.errors import MediaError, MienError, TruncatedError
from mien.core.types import Frame, FrameReading, Media
from mien.pipeline.analyzer import Analyzer
from mien.pipeline.provenance import provenance
from mien.report.clips import ClipWriter
from mien.report.writing import ReportFormat, ReportWriter, open_report
from mien.vision.stream import MediaStream

__all__ = ["FilmReader"]


class FilmReader:
    """Reads an open film step by step; one thread at a time.

    Args:
        analyzer: reads the frames.
        stream: the open film, which is closed with this.
        media: what results call it.
        room: the folder that results go into.
        max_duration_s: where reading ends with an error.
        annotate: whether to write an annotated copy.

    Attributes:
        warning: what broke the film off, if something did.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        stream: MediaStream,
        media: Media,
        room: Path,
        max_duration_s: float,
        annotate: bool,
    ) -> None:
        self.warning: str | None = None
        self._analyzer = analyzer
        self._reader = analyzer.parts.sequence()
        self._stream = stream
        self._limit = max_duration_s
        self._media = media
        self._room = room
        self._annotate = annotate
        self._results: dict[str, Path] = {}
        self._stack = ExitStack()
        self._writers: list[ReportWriter] = []
        self._clip: ClipWriter | None = None
        self._frames = 0

    def step(self) -> bool:
        """Read one frame; False at the end.

        Raises:
            MienError: if nothing can be read, or the results cannot be written.
        """
        try:
            frame = next(self._stream, None)
        except TruncatedError as error:
            if self._frames == 0:
                raise
            self.warning = str(error).replace(self._stream.media.source, self._media.source)
            return False
        if frame is None:
            return False
        if frame.time_s > self._limit:
            raise MediaError(f"the film takes more than {self._limit:g} seconds; cut it into parts")
        self._write(frame, self._reader.read(frame))
        return True

    def finish(self) -> dict[str, Path]:
        """End the results; their paths by form.

        Raises:
            MienError: if there was no frame.
        """
        if self._frames == 0:
            raise MediaError(f"{self._media.source} has no frames; export it again")
        fault = TruncatedError(self.warning) if self.warning else None
        for writer in self._writers:
            writer.end(fault)
        self._stack.close()
        return self._results

    def close(self) -> None:
        """Let go of the film; results that are not finished are not kept."""
        self._stream.close()
        try:
            self._stack.__exit__(MienError, MienError("abandoned"), None)
        except MienError:
            return

    def _write(self, frame: Frame, reading: FrameReading) -> None:
        if self._frames == 0:
            self._open()
        self._frames += 1
        for writer in self._writers:
            writer.write(reading)
        if self._clip is not None:
            self._clip.write(frame, reading)

    def _open(self) -> None:
        model = provenance(self._analyzer.config)
        for form in (ReportFormat.JSON, ReportFormat.CSV):
            path = self._results[form.value] = self._room / f"readings.{form.value}"
            writer = self._stack.enter_context(open_report(path, form, model))
            writer.begin(self._media)
            self._writers.append(writer)
        if self._annotate:
            path = self._results["film"] = self._room / "annotated.mp4"
            self._clip = self._stack.enter_context(ClipWriter(path, self._stream.media))
