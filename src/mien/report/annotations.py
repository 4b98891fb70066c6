"""A folder of annotated images and clips, one file per source."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
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

_MAX_NAME_BYTES = 255
"""Maximum length of a file name, in bytes."""


class Annotator(Protocol):
    """Receives the frames of one source with their readings."""

    def write(self, frame: Frame, reading: FrameReading) -> None:
        """Draw the readings into a frame and store it."""
        ...


def is_annotation(path: Path, folder: Path) -> bool:
    """Whether a path names an annotated copy in `folder`."""
    return path.stem.endswith(".annotated") and path.parent.resolve() == folder.resolve()


class AnnotationFolder:
    """Annotated images and clips, named after their sources, as in portrait.annotated.jpg.

    Images are written as JPEG, or as PNG if the source is a PNG or too large for a JPEG; clips as
    MP4. A number tells sources of the same name apart; names that are too long are truncated.

    Args:
        folder: output folder, created with its parents; copies from an earlier run are replaced.
        sources: files to be read; they are never replaced, and sound is copied from them.

    Raises:
        OutputError: if the folder cannot be created.
    """

    def __init__(self, folder: str | os.PathLike[str], sources: Iterable[Path] = ()) -> None:
        self.folder = make_folder(folder)
        self._taken: set[str] = set()
        # `Media.source` escapes names that are not valid UTF-8.
        self._files = {display_name(path): path for path in sources}
        self._sources = {os.path.realpath(path) for path in self._files.values()}

    @contextmanager
    def open(self, media: Media) -> Iterator[Annotator]:
        """Annotate one source; the file appears when the block ends without an exception.

        Raises:
            OutputError: if the file cannot be written.
        """
        if media.kind is MediaKind.IMAGE:
            large = max(media.width, media.height) > LARGEST_JPEG
            png = large or Path(media.source).suffix.lower() == ".png"
            yield _ImageWriter(self._path(media, ".png" if png else ".jpg"))
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
    """The annotated copy of one source; if it cannot be written, reading continues without it.

    A context manager that suppresses errors of the copy only.

    Args:
        copy: opens the copy; None if no copy is wanted.

    Attributes:
        fault: why the copy could not be written; None if there was no error.
    """

    def __init__(self, copy: AbstractContextManager[Annotator] | None = None) -> None:
        self.fault: OutputError | None = None
        self._copy = copy
        self._stack = ExitStack()
        self._annotator: Annotator | None = None

    def write(self, frame: Frame, reading: FrameReading) -> None:
        """Draw the readings into a frame and store it; does nothing after the first error."""
        if self._annotator is None:
            return
        try:
            self._annotator.write(frame, reading)
        except OutputError as error:
            self.fault, self._annotator = error, None
            self.__exit__(OutputError, error, error.__traceback__)

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
            # An exception of the block itself still propagates.
            self.fault = self.fault or refusal


def _fitting(stem: str, ending: str) -> str:
    """A file name of at most `_MAX_NAME_BYTES`, its stem truncated if necessary."""
    room = _MAX_NAME_BYTES - len(ending)
    return stem.encode("utf-8", "backslashreplace")[:room].decode("utf-8", "ignore") + ending


class _ImageWriter:
    """Writes one annotated image."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, frame: Frame, reading: FrameReading) -> None:
        write_picture(self._path, annotate(frame.image, reading))
