"""Atomic file writes, and messages for what the system refuses."""

import errno
import itertools
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.core.errors import OutputError, cause_of

__all__ = ["atomic", "make_folder", "output_error", "write_text"]

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would be larger than the system allows; choose another disk",
    errno.EACCES: "permission is denied; choose a folder you may write to",
    errno.EPERM: "permission is denied; choose a folder you may write to",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOENT: "its folder does not exist; create it first",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another path",
    errno.EISDIR: "it is a folder; name a file",
    errno.EBADF: "it is closed; open it, or write to a file",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}


STEM = 56
"""Number of characters of a name that temporary names begin with: they have at most 255 bytes."""


@contextmanager
def atomic(path: str | os.PathLike[str], *, salvage: bool = False) -> Iterator[Path]:
    """Write a file under a temporary name and rename it when the block ends without an exception.

    The temporary file is hidden, in the same folder, and has the same extension. If the block
    fails, it is removed and an existing file at `path` stays as it was; a file that is replaced
    passes on its permissions. Devices and pipes such as /dev/stdout are written directly.

    Args:
        path: output file.
        salvage: write a visible file with `partial` in its name instead, and if the block fails,
            keep the complete lines written so far. It also survives a power failure.

    Yields:
        The path to write to.

    Raises:
        OutputError: if the system refuses; the message says what to do.
    """
    target = Path(path)
    kept: Path | None = None
    try:
        if _is_special(target):
            yield target
            return
        # Replace the file that a symbolic link points to, not the link.
        final = Path(os.path.realpath(target))
        temporary = final.with_name(_partial_name(final) if salvage else _hidden_name(final))
        try:
            _create_like(temporary, final)
            yield temporary
            _sync(temporary)
            temporary.replace(final)
        except FileExistsError:
            raise  # another run has just taken the name
        except BaseException as error:
            if salvage and _cut_to_lines(temporary):
                kept = temporary
                error.add_note(f"what was written before is in {kept}")
            else:
                temporary.unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        # Raised by a pipe that the block also writes to, never by this file.
        raise
    except OSError as error:
        raise output_error(target, error, kept) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8 atomically.

    Raises:
        OutputError: if the system refuses; the message says what to do.
    """
    with atomic(path) as place:
        place.write_text(text, encoding="utf-8")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, created with its parents if missing.

    Raises:
        OutputError: if it cannot be created.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{folder} is a file, not a folder; choose another folder") from error
    except OSError as error:
        raise output_error(folder, error) from error
    return folder


def output_error(
    path: str | os.PathLike[str], error: OSError, kept: Path | None = None
) -> OutputError:
    """The error for a failed write; `kept` is the file that holds the salvaged lines."""
    known = _ADVICE.get(error.errno or 0)
    cause = known or f"{cause_of(error)}; choose another path"
    rest = "" if kept is None else f" (what was written before is in {kept})"
    return OutputError(f"{os.fspath(path)} cannot be written: {cause}{rest}")


def _is_special(path: Path) -> bool:
    """Whether a path is a device or pipe, to be written directly."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return path.exists() and not path.is_file()


def _create_like(temporary: Path, final: Path) -> None:
    """Create the temporary file, with the permissions of the file that it will replace."""
    temporary.touch(exist_ok=False)
    if final.exists():
        if not os.access(final, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        shutil.copymode(final, temporary)


def _hidden_name(final: Path) -> str:
    return f".{final.stem[:STEM]}.{secrets.token_hex(4)}{final.suffix}"


def _partial_name(final: Path) -> str:
    """A name that tells what an interrupted run left; that of an earlier run is not overwritten."""
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (f"{final.stem[:STEM]}.partial{number}{final.suffix}" for number in numbers)
    return next(name for name in names if not final.with_name(name).exists())


def _cut_to_lines(half: Path) -> bool:
    """Cut a file after its last complete line; False if it has none or cannot be cut."""
    try:
        with half.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as content:
            end = content.rfind(b"\n") + 1
        if end:
            os.truncate(half, end)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False
    return end > 0


def _sync(path: Path) -> None:
    # Windows flushes only files opened for writing.
    with path.open("r+b") as file:
        os.fsync(file.fileno())
