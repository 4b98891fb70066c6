"""Where results go: never over a source, never two into one file."""

import os
from collections.abc import Iterable
from pathlib import Path

import typer

from mien.core.errors import InputError
from mien.report.files import output_error

__all__ = ["check_outputs", "named_path"]


def named_path(text: str) -> Path:
    """The path that an option names; an empty one would be the folder at hand.

    Raises:
        typer.BadParameter: if there is none.
    """
    if not text:
        raise typer.BadParameter("it is empty; name a path")
    return Path(text)


def check_outputs(outputs: Iterable[Path | None], sources: Iterable[Path]) -> None:
    """Refuse files to write that are sources, or that two results would go to.

    Devices and pipes may be named as often as one likes.

    Raises:
        InputError: naming the file.
        OutputError: if the system refuses to look for a file to write.
    """
    files = [path for path in outputs if path is not None and _may_be_file(path)]
    taken: set[object] = set()
    for path in files:
        if _identity(path) in taken:
            raise InputError(f"{path} is named for two results; give each a file of its own")
        taken.add(_identity(path))
    if not files:
        return
    for source in sources:
        if _identity(source) in taken:
            raise InputError(
                f"results would replace {source}, which is to be read; write elsewhere"
            )


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file() or not path.exists()
    except OSError as error:
        raise output_error(path, error) from error


def _identity(path: Path) -> object:
    """The same for all names of one file, links and spellings."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
