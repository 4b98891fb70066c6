"""Sources in, readings out: pictures, animations and films alike."""

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from mien.core.errors import InputError, MediaError
from mien.core.media import Frame, Image, MediaKind
from mien.core.types import FrameReading, Reading
from mien.pipeline.build import Config, Parts, build_parts
from mien.vision.media import Source, open_media
from mien.vision.stream import MediaStream

__all__ = ["Analysis", "Analyzer", "analyze"]

log = logging.getLogger(__name__)


class Analysis:
    """The readings of one source: of a picture at once, of a film while they are iterated over.

    A film is read once, a few frames ahead of their use, and nothing of it is kept; frames that
    came before a fault are delivered before its error is raised. Its faces have track ids. A
    picture may be iterated over again.

    Attributes:
        media: what the source is.
    """

    def __init__(self, stream: MediaStream, parts: Parts) -> None:
        """Take over an open stream; a picture is read here.

        Raises:
            MediaError: if the picture cannot be decoded.
        """
        self.media = stream.media
        self._stream = stream
        self._pairs = _pairs(parts, stream)
        self._state = _State()
        self._frames: Iterable[FrameReading] = _readings(self._pairs, self._state)
        if self.media.kind is MediaKind.IMAGE:
            self._frames = tuple(self._frames)

    def __iter__(self) -> Iterator[FrameReading]:
        """Readings frame by frame, in the order of time."""
        return iter(self._frames)

    @property
    def faces(self) -> tuple[Reading, ...]:
        """The readings of a picture, the largest face first; empty where there is no face.

        Raises:
            InputError: for a film or animation, whose frames each have faces of their own.
        """
        if not isinstance(self._frames, tuple):
            raise InputError(f"{self.media.source} has many frames; iterate over them instead")
        return tuple(reading for frame in self._frames for reading in frame.readings)

    def to_dict(self) -> dict[str, Any]:
        """The item of schema mien/1; of a film, with the frames not iterated over yet.

        Of a film that breaks off, the item has what came before and the fault under "error".

        Raises:
            MediaError: if nothing of it can be read.
        """
        frames, fault = self._delivered()
        item = {**self.media.to_dict(), "frames": [frame.to_dict() for frame in frames]}
        if fault is not None:
            item["error"] = str(fault)
        return item

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat row per face and frame, as a data frame takes them.

        Of a film that breaks off, the rows of what came before; the fault is logged as a warning.

        Raises:
            MediaError: if nothing of it can be read.
        """
        frames, fault = self._delivered()
        if fault is not None:
            log.warning("%s", fault)
        source = self.media.source
        return [{"source": source, **row} for frame in frames for row in frame.to_dicts()]

    def close(self) -> None:
        """Let go of a film before its end; iterating over it in another thread ends too."""
        self._state.closed = True
        try:
            self._pairs.close()
        except ValueError:  # another thread awaits a frame, and closes the film when it is there
            return
        self._stream.close()

    def _delivered(self) -> tuple[list[FrameReading], MediaError | None]:
        """The readings up to the first fault, and the fault."""
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
    """How far an analysis is.

    Attributes:
        begun: whether any frame was delivered.
        closed: whether no more are wanted.
    """

    begun: bool = False
    closed: bool = False


_Pairs: TypeAlias = Generator[tuple[Frame, FrameReading], None, None]


def _readings(pairs: _Pairs, state: _State) -> Iterator[FrameReading]:
    """The readings alone.

    No method: a generator that knew its analysis would be a circle with it, so that threads and
    file of a film that is left early would wait for garbage collection.
    """
    try:
        with closing(pairs):
            for _, reading in pairs:
                if state.closed:
                    return
                state.begun = True
                yield reading
    except ValueError:  # another thread is closing the frames just now
        if not state.closed:
            raise


class Analyzer:
    """Reads expressions; load it once, use it for many sources and from many threads.

    Example:
        >>> with Analyzer() as analyzer:  # doctest: +SKIP
        ...     for frame in analyzer.analyze("film.mp4"):
        ...         print(frame.time_s, [reading.top for reading in frame.readings])
    """

    def __init__(self, config: Config | None = None, **options: Any) -> None:
        """Load the weights.

        Args:
            config: how to read; the default configuration if None.
            **options: fields of `Config` that differ from `config`.

        Raises:
            InputError: if an option is unknown or its value makes no sense.
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
        """All that readings are made with.

        Raises:
            InputError: if the analyzer is closed.
        """
        parts = self._parts
        if parts is None:
            raise InputError("this analyzer is closed; make a new one")
        return parts

    def analyze(self, source: Source, *, every: int = 1) -> Analysis:
        """Open a source and read it lazily.

        Args:
            source: path of a picture, animation or film, its encoded bytes, or an array of shape
                (height, width, 3) RGB or (height, width) grey, uint8.
            every: read each n-th frame only.

        Raises:
            InputError: if an array has the wrong type, shape or values.
            MediaError: if the source cannot be read.
        """
        parts = self.parts
        stream = open_media(source, max_pixels=self.config.max_pixels, every=every)
        return Analysis(stream, parts)

    def read_stream(self, stream: MediaStream) -> _Pairs:
        """The frames of an open source with their readings, lazily; closes the stream at its end.

        Raises:
            TruncatedError: after the last readable frame, if the medium broke off.
        """
        return _pairs(self.parts, stream)

    def read(self, image: Image) -> tuple[Reading, ...]:
        """The readings of one picture, an array as for `analyze`."""
        with self.analyze(image) as analysis:
            return analysis.faces

    def close(self) -> None:
        """Let go of the weights; the analyzer is of no use afterwards."""
        self._parts = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def analyze(source: Source, *, every: int = 1, **options: Any) -> Analysis:
    """Read one source with a fresh analyzer; for many sources make one `Analyzer`.

    Args:
        source: as for `Analyzer.analyze`.
        every: read each n-th frame only.
        **options: fields of `Config`.
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
