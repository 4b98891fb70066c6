"""Writing files whole or not at all."""

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
    """Write a file under a temporary name and move it to its place when all is well.

    The temporary file stands in the same folder, is hidden and has the same extension. If the body
    fails for any reason, the temporary file is removed and whatever stood at `path` stays as it
    was; what replaces it has its permissions. Devices and pipes such as /dev/stdout are handed
    through as they are.

    Args:
        path: the file.
        salvage: keep the whole lines that a body had written when it failed, in a file beside it
            whose name says `partial`.

    Yields:
        The path to write to.

    Raises:
        OutputError: if the system refuses; the sentence says what to do.
    """
    target = Path(path)
    kept: Path | None = None
    try:
        if target.exists() and not target.is_file():
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            yield target
            return
        # Replacing a link would cut it; what it points at is meant.
        final = Path(os.path.realpath(target))
        temporary = final.with_name(_temporary_name(final))
        try:
            temporary.touch(exist_ok=False)
            if final.exists():
                if not os.access(final, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                shutil.copymode(final, temporary)
            yield temporary
            _sync(temporary)
            temporary.replace(final)
        except BaseException:
            if salvage:
                kept = _salvaged(temporary, final.with_name(f"{final.stem}.partial{final.suffix}"))
            raise
        finally:
            temporary.unlink(missing_ok=True)
    except BrokenPipeError:
        # No file of this kind breaks so: the body writes to a pipe besides, and its reader is gone.
        raise
    except OSError as error:
        raise output_error(target, error, kept) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a file in UTF-8, whole or not at all.

    Raises:
        OutputError: if the system refuses; the sentence says what to do.
    """
    with atomic(path) as place:
        place.write_text(text, encoding="utf-8")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, created with its parents if need be.

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
    """The sentence for a failed write, and where what was written before is kept."""
    known = _ADVICE.get(error.errno or 0)
    cause = known or f"{cause_of(error)}; choose another path"
    rest = "" if kept is None else f" (what was written before is in {kept})"
    return OutputError(f"{os.fspath(path)} cannot be written: {cause}{rest}")


def _temporary_name(final: Path) -> str:
    # Names are limited to 255 bytes; a short stem leaves room for the rest.
    return f".{final.stem[:32]}.{secrets.token_hex(4)}{final.suffix}"


def _salvaged(half: Path, name: Path) -> Path | None:
    """The whole lines of a file, moved to that name; None if there are none to be had."""
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
    # Windows flushes only what may be written to.
    with path.open("r+b") as file:
        os.fsync(file.fileno())
