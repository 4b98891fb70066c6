"""The command line, in this process and in a separate one, and files for it to read."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import PIL.Image
import pytest

from mien.apps.cli.main import main
from mien.report.schema import document_schema


@dataclass(frozen=True)
class Outcome:
    """The outcome of a command."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        return self.err.splitlines()


@pytest.fixture
def empty_picture() -> Callable[[Path], Path]:
    """Write a photograph without a face."""

    def write(path: Path) -> Path:
        PIL.Image.new("RGB", (60, 40), "grey").save(path)
        return path

    return write


@pytest.fixture
def picture(tmp_path: Path, empty_picture: Callable[[Path], Path]) -> Path:
    """A photograph without a face."""
    return empty_picture(tmp_path / "a.jpg")


@pytest.fixture
def mixed(tmp_path: Path, portrait_file: Path, empty_picture: Callable[[Path], Path]) -> Path:
    """A folder with two readable pictures, an empty file and a text named like a picture."""
    folder = tmp_path / "mixed"
    (folder / "deep" / "deeper").mkdir(parents=True)
    shutil.copy(portrait_file, folder / "a.jpg")
    empty_picture(folder / "deep" / "deeper" / "b.png")
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no picture at all")
    (folder / "notes.txt").write_text("left alone")
    (folder / ".hidden.jpg").write_text("left alone")
    return folder


@pytest.fixture
def clip(make_film: Callable[..., Path], tmp_path: Path) -> Path:
    """A film of 20 frames without a face."""
    return make_film(tmp_path / "clip.mp4")


@pytest.fixture
def cut_clip(make_film: Callable[..., Path], tmp_path: Path) -> Path:
    """The same film, truncated."""
    path = make_film(tmp_path / "cut.mkv", options={"cluster_time_limit": "300"})
    path.write_bytes(path.read_bytes()[:-1500])
    return path


@pytest.fixture
def validated() -> Callable[[Any], Any]:
    """Parse a document and validate it against the schema."""

    def check(document: Any) -> Any:
        jsonschema.Draft202012Validator(document_schema()).validate(document)
        return document

    return check


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
    """Run `python -m mien ARGUMENTS` in a separate process; streams are bytes."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
        running = start(*arguments, **options)
        out, err = running.communicate(timeout=110)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    return run


@pytest.fixture
def running() -> Callable:
    """Start `python -m mien ARGUMENTS` in a separate process and hand it to the test."""
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
    """Restore signals that the test run may have been started to ignore, as by nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
