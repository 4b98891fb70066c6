"""Atomic file writes, and messages for what the system refuses."""

import errno
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


@contextmanager
def atomic(path: str | os.PathLike[str], *, salvage: bool = False) -> Iterator[Path]:
    """Write a file under a temporary name and rename it when the block ends without an exception.

    The temporary file is hidden, in the same folder, and has the same extension. If the block
    fails, it is removed and an existing file at `path` stays as it was; a file that is replaced
    passes on its permissions. Devices and pipes such as /dev/stdout are written directly.

    Args:
        path: output file.
        salvage: if the block fails, keep the complete lines written so far in a file beside `path`
            with `partial` in its name.

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
        temporary = final.with_name(_temporary_name(final))
        try:
            _create_like(temporary, final)
            yield temporary
            _sync(temporary)
            temporary.replace(final)
        except BaseException as error:
            if salvage:
                kept = _salvaged(temporary, final.with_name(f"{final.stem}.partial{final.suffix}"))
            if kept is not None:
                error.add_note(f"what was written before is in {kept}")
            raise
        finally:
            temporary.unlink(missing_ok=True)
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


def _temporary_name(final: Path) -> str:
    # File names are limited to 255 bytes.
    return f".{final.stem[:32]}.{secrets.token_hex(4)}{final.suffix}"


def _salvaged(half: Path, name: Path) -> Path | None:
    """Move the complete lines of a file to `name`; None if there are none."""
    try:
        with half.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as content:
            end = content.rfind(b"\n") + 1
        if not end:
            return None
        os.truncate(half, end)
        return half.replace(name)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None


def _sync(path: Path) -> None:
    # Windows flushes only files opened for writing.
    with path.open("r+b") as file:
        os.fsync(file.fileno())
