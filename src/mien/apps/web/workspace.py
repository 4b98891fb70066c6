"""The one private folder that uploads touch, gone when the server is: even after a crash."""

import errno
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from mien.apps.web.problems import ProblemError
from mien.core.errors import OutputError

if sys.platform != "win32":
    import fcntl

__all__ = ["Workspace", "disk_full_as_problem"]

log = logging.getLogger(__name__)

PREFIX = "mien-"
LOCK = ".mien-lock"
"""Locked as long as the process lives whose folder it lies in."""

# Waits until this process has gone, however it went: then its end of the pipe is closed.
_GUARDIAN = (
    "import shutil, sys; sys.stdin.buffer.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
)


class Workspace:
    """A folder that only this user can read, until it is closed.

    A small process of its own watches over it and removes it even if this process is killed; if
    both are, the next workspace in the same place does.

    Args:
        parent: where the folder is made; the system's temporary place if None.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = _hold(self.folder)
        _remove_abandoned(self.folder.parent)
        self._guardian = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", _GUARDIAN, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def new_job_folder(self) -> Path:
        """A new folder within, for one upload and what is made of it."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def remove(self, folder: Path) -> None:
        """Delete a folder with all that is in it."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        if self._lock is not None:
            os.close(self._lock)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait(timeout=10)


@contextmanager
def disk_full_as_problem() -> Iterator[None]:
    """Within the block, a full disk is a problem with a status of its own.

    Raises:
        ProblemError: if it is.
    """
    try:
        yield
    except (OSError, OutputError) as error:
        cause = error.__cause__ if isinstance(error, OutputError) else error
        if getattr(cause, "errno", None) not in (errno.ENOSPC, errno.EDQUOT):
            raise
        log.warning("the disk is full; free some space or set MIEN_TEMPORARY to another folder")
        raise ProblemError(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "the server's disk is full; delete films that are done, or try again later",
            {"Connection": "close"},
        ) from error


def _hold(folder: Path) -> int | None:
    """The descriptor that holds the lock of a folder; None where there is no flock."""
    if sys.platform == "win32":
        return None
    new = folder / f"{LOCK}-new"
    lock = os.open(new, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(folder / LOCK)  # under its name it is never seen unlocked
    return lock


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders whose processes are gone; those without a lock are none of ours."""
    if sys.platform == "win32":
        return
    for path in parent.glob(f"{PREFIX}*/{LOCK}"):
        try:
            lock = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        except OSError:  # somebody else's, or just gone
            continue
        try:
            if os.fstat(lock).st_uid == os.getuid() and not path.parent.is_symlink():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
        except OSError:  # its process lives
            continue
        finally:
            os.close(lock)
