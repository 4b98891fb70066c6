"""The one private folder that uploads touch, gone when the server is: even after a crash."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["Workspace"]

# Waits until this process has gone, however it went: then its end of the pipe is closed.
_GUARDIAN = (
    "import shutil, sys; sys.stdin.buffer.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
)


class Workspace:
    """A folder that only this user can read, until it is closed.

    A small process of its own watches over it and removes it even if this process is killed.

    Args:
        parent: where the folder is made; the system's temporary place if None.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mien-", dir=parent))
        self._guardian = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", _GUARDIAN, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def room(self) -> Path:
        """A new folder within, for one upload and what is made of it."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def remove(self, room: Path) -> None:
        """Delete a room with all that is in it."""
        shutil.rmtree(room, ignore_errors=True)

    def close(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait(timeout=10)
