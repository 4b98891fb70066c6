import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.apps.web.workspace import LOCK, Workspace

LIVE = """
import sys
from pathlib import Path
from mien.apps.web.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
print(workspace._guardian.pid, workspace.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_what_a_server_left_that_died_with_its_guardian_is_removed(tmp_path):
    command = [sys.executable, "-c", LIVE, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as dying, subprocess.Popen(command, **pipes) as living:
        guardian, left = dying.stdout.readline().split()
        _, kept = living.stdout.readline().split()
        # Stop the guardian first, or it would remove the folder when its server dies.
        os.kill(int(guardian), signal.SIGKILL)
        dying.kill()
        dying.wait()
        own = tmp_path / "mien-of-somebody-else"
        own.mkdir()
        (tmp_path / "mien-link").symlink_to(left)
        # Opening a pipe would wait for its reader.
        (tmp_path / "mien-pipe").mkdir()
        os.mkfifo(tmp_path / "mien-pipe" / LOCK)
        time.sleep(0.2)
        assert Path(left).is_dir()
        workspace = Workspace(tmp_path)
        assert not Path(left).is_dir()
        assert Path(kept).is_dir()
        assert own.is_dir()
        assert workspace.folder.is_dir()
        workspace.close()
        assert not workspace.folder.exists()
        living.stdin.close()
