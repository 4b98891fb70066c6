"""The command line in this process and in one of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import PIL.Image
import pytest

from mien.apps.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        return self.err.splitlines()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photograph without a face."""
    path = tmp_path / "a.jpg"
    PIL.Image.new("RGB", (60, 40), "grey").save(path)
    return path


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable:
    """Run `mien ARGUMENTS` in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        found = capsys.readouterr()
        return Outcome(ended.value.code or 0, found.out, found.err)

    return run


@pytest.fixture
def process() -> Callable:
    """Run `python -m mien ARGUMENTS` in a process of its own; streams are bytes."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
        running = start(*arguments, **options)
        out, err = running.communicate(timeout=110)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    return run


@pytest.fixture
def running() -> Callable:
    """Start `python -m mien ARGUMENTS` in a process of its own and leave it to the test."""
    return start


def start(
    *arguments: object, environment: Mapping[str, str] | None = None, **options: object
) -> subprocess.Popen[bytes]:
    chosen = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": obey} | options
    command = [sys.executable, "-m", "mien", *map(str, arguments)]
    return subprocess.Popen(
        command, env=os.environ | {"COLUMNS": "200"} | (environment or {}), **chosen
    )


def obey() -> None:
    """Hear signals that these tests themselves may have been started to ignore, as by nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
