"""The public interface: readings of images, animations and videos."""

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from mien.core.errors import InputError, MediaError
from mien.core.media import Frame, Image, MediaKind
from mien.core.types import FrameReading, Reading, flat_rows
from mien.pipeline.build import Config, Parts, build_parts
from mien.vision.media import Source, open_media
from mien.vision.stream import MediaStream

__all__ = ["Analysis", "Analyzer", "analyze"]

log = logging.getLogger(__name__)


class Analysis:
    """The readings of one source.

    An image is read immediately and can be iterated any number of times. A video or animation is
    read lazily, a few frames ahead, and can be iterated once, since nothing of it is kept: `faces`
    is for images, and `to_dict` and `to_dicts` take the frames that have not been iterated yet.
    Frames before a fault are delivered before its error is raised. Faces of videos and animations
    have track ids.

    Attributes:
        media: metadata of the source.
    """

    def __init__(self, stream: MediaStream, parts: Parts) -> None:
        """Take over an open stream; an image is read here.

        Raises:
            MediaError: if the image cannot be decoded.
        """
        self.media = stream.media
        self._stream = stream
        self._pairs = _pairs(parts, stream)
        self._state = _State()
        self._frames: Iterable[FrameReading] = _readings(self._pairs, self._state)
        if self.media.kind is MediaKind.IMAGE:
            self._frames = tuple(self._frames)

    def __iter__(self) -> Iterator[FrameReading]:
        """Readings frame by frame, in temporal order.

        Raises:
            InputError: if a video or animation has already been read to its end.
            TruncatedError: after the last readable frame, if the source ends too early.
            MediaError: if the source cannot be decoded.
        """
        if self._state.exhausted and not isinstance(self._frames, tuple):
            raise InputError(f"{self.media.source} has already been read; analyze it again")
        return iter(self._frames)

    @property
    def faces(self) -> tuple[Reading, ...]:
        """The readings of an image in order of descending face area; empty if there is no face.

        Raises:
            InputError: for a video or animation, which has faces per frame.
        """
        if not isinstance(self._frames, tuple):
            raise InputError(f"{self.media.source} has many frames; iterate over them instead")
        return tuple(reading for frame in self._frames for reading in frame.readings)

    def to_dict(self) -> dict[str, Any]:
        """The item of schema mien/1; for a video, with the frames that were not iterated yet.

        If a video ends too early, the item holds the frames before the fault, and the message
        under "error".

        Raises:
            InputError: if a video or animation has already been read to its end.
            MediaError: if no frame can be read.
        """
        frames, fault = self._delivered()
        item = {**self.media.to_dict(), "frames": [frame.to_dict() for frame in frames]}
        if fault is not None:
            item["error"] = str(fault)
        return item

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat row per face and frame, for `mien.to_table` or a data frame.

        Rows lack the landmarks, the prediction set and the reason of uncertainty; `to_dict` has
        them. If a video ends too early, the rows before the fault are returned, and the fault is
        logged as a warning.

        Raises:
            InputError: if a video or animation has already been read to its end.
            MediaError: if no frame can be read.
        """
        frames, fault = self._delivered()
        if fault is not None:
            log.warning("%s", fault)
        return flat_rows(self.media.source, frames)

    def close(self) -> None:
        """Release a video before its end; an iteration in another thread ends as well."""
        self._state.closed = True
        try:
            self._pairs.close()
        except ValueError:  # another thread waits for a frame and closes the video afterwards
            return
        self._stream.close()

    def _delivered(self) -> tuple[list[FrameReading], MediaError | None]:
        """The remaining readings up to the first fault, and the fault."""
        frames: list[FrameReading] = []
        try:
            for frame in self:
                frames.append(frame)
        except MediaError as error:
            if not self._state.begun:
                raise
            return frames, error
        return frames, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class _State:
    """Progress of an analysis.

    Attributes:
        begun: whether a frame was delivered.
        exhausted: whether the frames were read to the end or to a fault.
        closed: whether `Analysis.close` was called.
    """

    begun: bool = False
    exhausted: bool = False
    closed: bool = False


_Pairs: TypeAlias = Generator[tuple[Frame, FrameReading], None, None]


def _readings(pairs: _Pairs, state: _State) -> Iterator[FrameReading]:
    """The readings without their frames.

    Not a method: a generator that refers to its analysis forms a reference cycle with it, and
    threads and file of an abandoned video would stay open until garbage collection.
    """
    try:
        with closing(pairs):
            for _, reading in pairs:
                if state.closed:
                    return
                state.begun = True
                yield reading
    except ValueError:  # another thread is closing the generator
        if not state.closed:
            raise
    finally:
        state.exhausted = not state.closed


class Analyzer:
    """Reads facial expressions; load it once and use it for many sources and threads.

    Example:
        >>> with Analyzer() as analyzer:  # doctest: +SKIP
        ...     for frame in analyzer.analyze("film.mp4"):
        ...         print(frame.time_s, [reading.top for reading in frame.readings])
    """

    def __init__(self, config: Config | None = None, **options: Any) -> None:
        """Load the weights.

        Args:
            config: the configuration; the default one if None.
            **options: fields of `Config` that override `config`.

        Raises:
            InputError: if an option is unknown or its value is invalid.
            ArtifactError: if weights are missing or altered.
        """
        if not isinstance(config, Config | None):
            raise InputError(
                f"config must be a mien.Config, not {type(config).__name__}; name single options, "
                "as in Analyzer(threads=1)"
            )
        known = Config.__dataclass_fields__
        if unknown := sorted(options.keys() - known.keys()):
            raise InputError(f"unknown option {unknown[0]!r}; there are: {', '.join(known)}")
        self.config = replace(config or Config(), **options)
        self._parts: Parts | None = build_parts(self.config)

    @property
    def parts(self) -> Parts:
        """Components of the pipeline.

        Raises:
            InputError: if the analyzer is closed.
        """
        parts = self._parts
        if parts is None:
            raise InputError("this analyzer is closed; make a new one")
        return parts

    def analyze(self, source: Source, *, every: int = 1) -> Analysis:
        """Open a source; an image is read immediately, a video lazily.

        Args:
            source: the path of an image, animation or video; its encoded bytes; a Pillow image; or
                a uint8 array of shape (height, width, 3) in RGB, (height, width, 4) in RGBA or
                (height, width) in grey. Transparent pixels are composited over white.
            every: read every n-th frame of an animation or video only.

        Raises:
            InputError: if the analyzer is closed, the source has the wrong type, dtype, shape or
                no pixels, or `every` is not a positive integer.
            TooLargeError: if an image exceeds `Config.max_pixels`.
            TruncatedError: if the data of an image end too early.
            MediaError: if the source is missing, empty, damaged or of an unknown format.
        """
        parts = self.parts
        stream = open_media(source, max_pixels=self.config.max_pixels, every=every)
        return Analysis(stream, parts)

    def read_stream(self, stream: MediaStream) -> _Pairs:
        """Lazily yield the frames of an open stream with their readings, and close it at the end.

        Raises:
            InputError: if the analyzer is closed.
            TruncatedError: after the last readable frame, if the source ends too early.
        """
        return _pairs(self.parts, stream)

    def read(self, image: Image) -> tuple[Reading, ...]:
        """The readings of one image, in order of descending face area.

        Args:
            image: an array as for `analyze`.

        Raises:
            InputError: if the analyzer is closed, or the array has the wrong dtype or shape.
        """
        with self.analyze(image) as analysis:
            return analysis.faces

    def close(self) -> None:
        """Release the weights; the analyzer cannot be used afterwards."""
        self._parts = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def analyze(source: Source, *, every: int = 1, **options: Any) -> Analysis:
    """Read one source with a new analyzer; for many sources use one `Analyzer`.

    Args:
        source: as for `Analyzer.analyze`.
        every: read every n-th frame of an animation or video only.
        **options: fields of `Config`.

    Raises:
        InputError: if an option or argument is invalid.
        ArtifactError: if weights are missing or altered.
        MediaError: if the source cannot be read; see `Analyzer.analyze`.
    """
    return Analyzer(**options).analyze(source, every=every)


def _pairs(parts: Parts, stream: MediaStream) -> _Pairs:
    with stream:
        if stream.media.kind is MediaKind.IMAGE:
            for frame in stream:
                yield frame, parts.reader.read(frame)
        else:
            with closing(parts.sequence().read_all(stream)) as pairs:
                yield from pairs
