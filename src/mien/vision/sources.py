"""Expansion of paths, folders and patterns into a list of files."""

import errno
import glob
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mien.core.errors import InputError, MediaError, MienError, cause_of

__all__ = [
    "EXTENSIONS",
    "IMAGE_EXTENSIONS",
    "VIDEO_EXTENSIONS",
    "FoundSources",
    "advice",
    "display_name",
    "find_sources",
    "is_special",
    "missing",
]

IMAGE_EXTENSIONS = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".tif",
        ".tiff", ".bmp", ".ppm", ".pgm", ".pnm", ".avif", ".jp2",
    )
)  # fmt: skip
UNREAD_EXTENSIONS = frozenset((".heic", ".heif"))
"""Extensions of photographs that cannot be read, so that those in a folder are named."""
VIDEO_EXTENSIONS = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts",
        ".mts", ".vob", ".wmv", ".asf", ".flv", ".ogv", ".3gp", ".3g2", ".mxf", ".dv", ".h264",
        ".h265", ".ivf", ".y4m",
    )
)  # fmt: skip
EXTENSIONS = IMAGE_EXTENSIONS | UNREAD_EXTENSIONS | VIDEO_EXTENSIONS
"""Extensions of the files read from a folder; a file named explicitly may have any extension."""


class FoundSources(NamedTuple):
    """The files found, each once, and the paths that could not be found, with their errors."""

    paths: list[Path]
    failures: list[tuple[str, MienError]]


def find_sources(
    paths: Iterable[str | os.PathLike[str] | os.PathLike[bytes]],
    *,
    leave_out: Callable[[Path], bool] = lambda _: False,
) -> FoundSources:
    """Expand files, folders and patterns into files, in order.

    A folder is searched recursively for images and videos by extension, sorted by name, its own
    files first; hidden files and folders and links to folders are skipped. A pattern (`*`, `?`,
    `[]`, `**`) stands for all its matches; `**` does not enter hidden or linked folders. Pipes,
    sockets and devices are kept only if named explicitly. No file is opened.

    Args:
        paths: files, folders and patterns.
        leave_out: which files of folders and patterns to skip; those named explicitly are kept.

    Returns:
        The files, and one error for each path that is missing, empty or unreadable.

    Raises:
        InputError: for an empty path, as from an unset shell variable.
    """
    found: dict[Path, Path] = {}
    failures: list[tuple[str, MienError]] = []
    for path in paths:
        for result in _expand(os.fsdecode(path), leave_out):
            if isinstance(result, Path):
                # Once however its folder is spelled; links to files are files of their own.
                found.setdefault(result.parent.resolve() / result.name, result)
            else:
                failures.append(result)
    return FoundSources(list(found.values()), failures)


def display_name(path: str | os.PathLike[str] | os.PathLike[bytes]) -> str:
    """The path as valid Unicode; bytes that are not UTF-8 are escaped."""
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode("utf-8")


_Result = Path | tuple[str, MienError]
_Choice = Callable[[Path], bool]


def missing(name: str) -> MediaError:
    """The error for a path that does not exist; a URL gets its own advice."""
    hint = (
        "download it first; cameras and streams are for `mien live`"
        if "://" in name
        else "check the path"
    )
    return MediaError(f"{name} does not exist; {hint}")


def advice(error: OSError | ValueError) -> str:
    """What to check when the system refuses a path."""
    if isinstance(error, OSError) and error.errno not in (errno.ENAMETOOLONG, errno.ELOOP):
        return "check its permissions"
    return "check the path"


def _expand(given: str, leave_out: _Choice) -> Iterator[_Result]:
    name, path = display_name(given), Path(given)
    if not given:
        raise InputError("a path is empty; name a picture, a film or a folder")
    try:
        if path.is_dir():
            yield from _walk(path, leave_out)
        elif path.exists():
            yield path
        elif glob.has_magic(given) and "://" not in given:
            yield from _match(path, leave_out)
        else:
            yield name, missing(name)
    except (OSError, ValueError) as error:
        yield _failure(name, f"{name} cannot be read ({cause_of(error)}); {advice(error)}")


def is_special(path: Path) -> bool:
    """Whether the path is a pipe, socket or device, whose reading may never end."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _match(pattern: Path, leave_out: _Choice) -> Iterator[_Result]:
    errors: list[OSError] = []
    found = map(Path, sorted(set(_glob(pattern, errors))))
    matches = [path for path in found if path.is_dir() or not (leave_out(path) or is_special(path))]
    yield from map(_closed, errors)
    if not matches and not errors:
        name = display_name(pattern)
        yield _failure(name, f"no file matches {name}; check the pattern")
    for match in matches:
        if match.is_dir():
            # With ** the files of a folder match themselves.
            if "**" not in pattern.parts:
                yield from _walk(match, leave_out)
        else:
            yield match


def _glob(pattern: Path, errors: list[OSError]) -> Iterator[str]:
    """As `glob.iglob`, but `**` does not follow links to folders, which may be cyclic.

    Errors of unreadable folders under `**` are appended to `errors`.
    """
    if "**" not in pattern.parts:
        yield from glob.iglob(str(pattern))  # noqa: PTH207
        return
    place = pattern.parts.index("**")
    rest = pattern.parts[place + 1 :] or ("*",)
    for base in glob.iglob(str(Path(*pattern.parts[:place]))):  # noqa: PTH207
        for parent, folders, _ in os.walk(base, onerror=errors.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from _glob(Path(glob.escape(parent), *rest), errors)


def _walk(folder: Path, leave_out: _Choice) -> Iterator[_Result]:
    errors: list[OSError] = []
    empty = True
    for parent, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in (Path(parent, name) for name in sorted(files) if not name.startswith(".")):
            if file.suffix.lower() not in EXTENSIONS or leave_out(file) or is_special(file):
                continue
            empty = False
            yield file
    yield from map(_closed, errors)
    if empty and not errors:
        name = display_name(folder)
        yield _failure(
            name,
            f"folder {name} holds no picture or film; name a file outright if its extension "
            "is unusual",
        )


def _closed(error: OSError) -> _Result:
    name = display_name(error.filename)
    return _failure(
        name, f"folder {name} cannot be read ({cause_of(error)}); check its permissions"
    )


def _failure(name: str, sentence: str) -> tuple[str, MienError]:
    return name, MediaError(sentence)
