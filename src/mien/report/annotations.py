"""A folder of annotated pictures and clips, one for each source."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mien.core.errors import OutputError
from mien.core.media import Frame, Media, MediaKind
from mien.core.types import FrameReading
from mien.report.clips import ClipWriter
from mien.report.drawing import LARGEST_JPEG, annotate, write_picture
from mien.report.files import make_folder
from mien.vision.sources import display_name

__all__ = ["AnnotatedCopy", "AnnotationFolder", "Annotator", "is_annotation"]

_LONGEST = 255
"""Bytes of a file's name."""


class Annotator(Protocol):
    """Takes the frames of one source with their readings."""

    def write(self, frame: Frame, reading: FrameReading) -> None:
        """Draw the readings into a frame and keep it."""
        ...


def is_annotation(path: Path, folder: Path) -> bool:
    """Whether a file has the name and the place of what is drawn into the folder."""
    return path.stem.endswith(".annotated") and path.parent.resolve() == folder.resolve()


class AnnotationFolder:
    """Annotated pictures and clips, named after their sources, as in portrait.annotated.jpg.

    Pictures are written as JPEG, or PNG where the source is named so or too large for a JPEG, clips
    as MP4. Sources of the same name get a number, and names that would be too long are cut. The
    folder is created with its parents.

    Args:
        folder: where they go; what an earlier run drew there is replaced.
        sources: files that are to be read, which are never replaced; sound is copied from them.

    Raises:
        OutputError: if the folder cannot be created.
    """

    def __init__(self, folder: str | os.PathLike[str], sources: Iterable[Path] = ()) -> None:
        self.folder = make_folder(folder)
        self._taken: set[str] = set()
        # Names that are no UTF-8 are escaped in `Media.source`.
        self._files = {display_name(path): path for path in sources}
        self._sources = {os.path.realpath(path) for path in self._files.values()}

    @contextmanager
    def open(self, media: Media) -> Iterator[Annotator]:
        """Annotate one source; its file appears when the block ends without an exception.

        Raises:
            OutputError: if the file cannot be written.
        """
        if media.kind is MediaKind.IMAGE:
            large = max(media.width, media.height) > LARGEST_JPEG
            png = large or Path(media.source).suffix.lower() == ".png"
            yield _PictureWriter(self._path(media, ".png" if png else ".jpg"))
        else:
            sound = self._files.get(media.source)
            with ClipWriter(self._path(media, ".mp4"), media, sound) as clip:
                yield clip

    def _path(self, media: Media, extension: str) -> Path:
        stem = Path(media.source).stem.strip("<>") or media.kind.value
        number, name = 1, _fitting(stem, f".annotated{extension}")
        while name.lower() in self._taken or os.path.realpath(self.folder / name) in self._sources:
            number += 1
            name = _fitting(stem, f"-{number}.annotated{extension}")
        self._taken.add(name.lower())
        return self.folder / name


class AnnotatedCopy:
    """The annotated copy of one source; where it cannot be written, reading goes on without it.

    A context manager, which swallows what is wrong with the copy alone.

    Args:
        copy: opens it; None where none is asked for.

    Attributes:
        fault: why there is no copy, if it could not be written.
    """

    def __init__(self, copy: AbstractContextManager[Annotator] | None = None) -> None:
        self.fault: OutputError | None = None
        self._copy = copy
        self._stack = ExitStack()
        self._annotator: Annotator | None = None

    def write(self, frame: Frame, reading: FrameReading) -> None:
        """Draw the readings into a frame and keep it, as long as that is possible."""
        if self._annotator is None:
            return
        try:
            self._annotator.write(frame, reading)
        except OutputError as error:
            self.fault, self._annotator = error, None
            with suppress(OutputError):
                self._stack.__exit__(OutputError, error, error.__traceback__)

    def __enter__(self) -> Self:
        if self._copy is not None:
            self._annotator = self._stack.enter_context(self._copy)
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


def _fitting(stem: str, ending: str) -> str:
    """A name that file systems take, its stem cut off where it is too long."""
    room = _LONGEST - len(ending)
    return stem.encode("utf-8", "backslashreplace")[:room].decode("utf-8", "ignore") + ending


class _PictureWriter:
    """Writes one annotated picture."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, frame: Frame, reading: FrameReading) -> None:
        write_picture(self._path, annotate(frame.image, reading))
