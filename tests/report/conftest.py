"""Readings to write, helpers to inspect clips, and a file-size limit that makes writes fail."""

import io
import resource
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import av
import pytest

from mien.core.errors import MediaError, TruncatedError
from mien.core.media import Media, MediaKind
from mien.core.types import Doubt, FrameReading, Reading
from mien.report.clips import ClipWriter
from mien.report.writing import ReportFormat, open_report
from mien.vision.media import open_media


@contextmanager
def _small_disk(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk() -> Callable[[int], AbstractContextManager[None]]:
    """A block in which the system limits the size of files in bytes."""
    return _small_disk


@pytest.fixture
def written(make_reading: Callable[..., Reading]) -> Callable[[ReportFormat], str]:
    """The output of a format for a photograph, a missing file and a truncated film."""

    def write(form: ReportFormat) -> str:
        stream = io.StringIO()
        with open_report(stream, form, {"name": "expression", "version": "1"}) as report:
            report.begin(Media("face.jpg", MediaKind.IMAGE, 100, 80))
            report.write(FrameReading(0, 0.0, (make_reading(), make_reading(doubt=Doubt.EXPOSURE))))
            report.end()
            report.fail("gone.jpg", MediaError("gone.jpg does not exist"))
            report.begin(Media("film.mp4", MediaKind.VIDEO, 64, 48))
            report.write(FrameReading(0, 0.0, ()))
            report.write(FrameReading(1, 0.04, (make_reading(track_id=3),)))
            report.end(TruncatedError("film.mp4 is cut off"))
        return stream.getvalue()

    return write


@pytest.fixture
def smiling(make_reading: Callable[..., Reading]) -> Callable[..., list[FrameReading]]:
    """Frames at 10 per second with happiness of the given probabilities on one face."""

    def make(
        probabilities: Sequence[float | None], track_id: int | None = 1, start: float = 0.0
    ) -> list[FrameReading]:
        return [
            FrameReading(
                index,
                start + index / 10,
                () if value is None else (make_reading(probability=value, track_id=track_id),),
            )
            for index, value in enumerate(probabilities)
        ]

    return make


@pytest.fixture
def annotated() -> Callable[..., None]:
    """Draw the same readings into each frame of a film, which may be `broken`."""

    def draw(
        source: Path | bytes,
        target: Path,
        readings: Iterable[Reading] = (),
        every: int = 1,
        broken: bool = False,
    ) -> None:
        with (
            open_media(source, every=every) as stream,
            ClipWriter(target, stream.media) as clip,
            pytest.raises(TruncatedError) if broken else nullcontext(),
        ):
            for frame in stream:
                clip.write(frame, FrameReading(frame.index, frame.time_s, tuple(readings)))

    return draw


@pytest.fixture
def sound_packets() -> Callable[[Path], list[bytes]]:
    """The packets of a film's sound."""

    def read(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    return read


@pytest.fixture
def duration_s() -> Callable[[Path], float]:
    """The duration that a film states, in seconds."""

    def read(path: Path) -> float:
        with av.open(str(path)) as container:
            return container.duration / 1_000_000

    return read
