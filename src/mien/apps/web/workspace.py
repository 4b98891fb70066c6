"""The private folder for uploads, removed when the server ends, even after a crash."""

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
"""Name of the lock file, which the process that owns the folder locks while it lives."""

# Waits for the pipe to close, which happens however this process ends.
_GUARDIAN = (
    "import shutil, sys; sys.stdin.buffer.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
)


class Workspace:
    """A folder that only this user can read, removed by `close`.

    A guardian process removes it if this process is killed; if both are killed, the next workspace
    with the same parent does.

    Args:
        parent: parent folder; the system's temporary folder if None.
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
        """Create a folder for one upload and its results."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def remove(self, folder: Path) -> None:
        """Delete the folder of a job with its content."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete the workspace."""
        if self._lock is not None:
            os.close(self._lock)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait(timeout=10)


@contextmanager
def disk_full_as_problem() -> Iterator[None]:
    """Within the block, report a full disk as a problem of status 507.

    Raises:
        ProblemError: if the disk is full.
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
    """Lock a folder and return the file descriptor that holds the lock; None without flock."""
    if sys.platform == "win32":
        return None
    new = folder / f"{LOCK}-new"
    lock = os.open(new, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(folder / LOCK)  # other processes never see the file unlocked
    return lock


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders whose processes have ended; folders without a lock file are foreign."""
    if sys.platform == "win32":
        return
    for path in parent.glob(f"{PREFIX}*/{LOCK}"):
        try:
            # Opening a pipe of another user would wait for its reader.
            lock = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:  # another user's, or just removed
            continue
        try:
            if os.fstat(lock).st_uid == os.getuid() and not path.parent.is_symlink():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
        except OSError:  # its process is alive
            continue
        finally:
            os.close(lock)
