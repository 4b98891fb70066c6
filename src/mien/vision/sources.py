"""What to read: paths, folders and patterns become a list of files."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mien.core.errors import MediaError, MienError, cause_of

__all__ = ["EXTENSIONS", "FoundSources", "display_name", "find_sources"]

IMAGE_EXTENSIONS = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".tif",
        ".tiff", ".bmp", ".ppm", ".pgm", ".pnm", ".avif", ".jp2", ".ico", ".qoi",
    )
)  # fmt: skip
VIDEO_EXTENSIONS = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts",
        ".mts", ".vob", ".wmv", ".asf", ".flv", ".ogv", ".3gp", ".3g2", ".mxf", ".dv", ".h264",
        ".h265", ".ivf", ".y4m",
    )
)  # fmt: skip
EXTENSIONS = IMAGE_EXTENSIONS | VIDEO_EXTENSIONS
"""Files that a folder is searched for; a file named outright may have any extension."""


class FoundSources(NamedTuple):
    """The files found, each once, and what could not be found with its reason."""

    paths: list[Path]
    failures: list[tuple[str, MienError]]


def find_sources(paths: Iterable[str | os.PathLike[str]]) -> FoundSources:
    """Expand files, folders and patterns into files, in order.

    A folder is searched recursively for pictures and films by extension, sorted by path; hidden
    files and folders and links to folders are passed over. A pattern (``*``, ``?``, ``[]``,
    ``**``) stands for whatever it matches. Nothing is opened.

    Returns:
        The files, and for each path that is missing, empty or unreadable one error; the others
        are not lost.
    """
    found: dict[Path, None] = {}
    failures: list[tuple[str, MienError]] = []
    for path in paths:
        for result in _expand(Path(path)):
            if isinstance(result, Path):
                found.setdefault(result)
            else:
                failures.append(result)
    return FoundSources(list(found), failures)


def display_name(path: str | os.PathLike[str]) -> str:
    """The path as valid Unicode; bytes of a file name that are not UTF-8 are escaped."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


_Result = Path | tuple[str, MienError]


def _expand(path: Path) -> Iterator[_Result]:
    name = display_name(path)
    try:
        if path.is_dir():
            yield from _walk(path)
        elif path.exists():
            yield path
        elif glob.has_magic(str(path)):
            yield from _match(path)
        else:
            yield _failure(name, f"{name} does not exist; check the path")
    except (OSError, ValueError) as error:
        yield _failure(name, f"{name} cannot be read ({cause_of(error)}); check its permissions")


def _match(pattern: Path) -> Iterator[_Result]:
    matches = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207
    if not matches:
        name = display_name(pattern)
        yield _failure(name, f"no file matches {name}; check the pattern")
    for match in map(Path, matches):
        if match.is_dir():
            # Under ** the files of a folder are matches themselves.
            if "**" not in pattern.parts:
                yield from _walk(match)
        else:
            yield match


def _walk(folder: Path) -> Iterator[_Result]:
    errors: list[OSError] = []
    empty = True
    for parent, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            if not file.startswith(".") and Path(file).suffix.lower() in EXTENSIONS:
                empty = False
                yield Path(parent, file)
    for error in errors:
        name = display_name(error.filename or folder)
        yield _failure(
            name, f"folder {name} cannot be read ({cause_of(error)}); check its permissions"
        )
    if empty and not errors:
        name = display_name(folder)
        yield _failure(
            name,
            f"folder {name} holds no picture or film; name a file outright if its extension "
            "is unusual",
        )


def _failure(name: str, sentence: str) -> tuple[str, MienError]:
    return name, MediaError(sentence)
