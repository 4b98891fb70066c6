"""The command line in this process and in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

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
        extra = options.pop("environment", {})
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(
            [sys.executable, "-m", "mien", *map(str, arguments)],
            env=os.environ | {"COLUMNS": "200"} | extra,
            check=False,
            timeout=60,
            **streams,
        )

    return run
