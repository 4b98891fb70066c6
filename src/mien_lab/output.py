"""What the commands of the lab share: options, and where figures go: a file, or the screen."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.core.errors import OutputError
from mien.report.files import write_text
from mien.vision.sources import IMAGE_EXTENSIONS

__all__ = [
    "Output",
    "Precision",
    "Rate",
    "Weights",
    "name_failures",
    "refuse_existing",
    "require_writable",
    "write_figures",
]

Precision = Annotated[str, typer.Option(help="fp32 or int8.")]
Weights = Annotated[Path | None, typer.Option(help="Folder with weights, if not the shipped.")]
Rate = Annotated[float, typer.Option(min=1e-9, max=10, help="Peak learning rate.")]
Output = Annotated[
    str | None, typer.Option("--json", help="File for all figures, or - for the screen.")
]


def require_writable(*outputs: Path | str | None) -> None:
    """Check before long work that every file can be written; "-" and None are the screen.

    Only `--json`, which is text, knows the screen: a path "-" is refused.

    Raises:
        OutputError: if one is a folder, lies in no folder or in one that may not be written to, is
            the path "-", or if two are the same.
    """
    paths = _files(outputs)
    if Path("-") in paths:
        raise OutputError("- does not stand for the screen here; name a file")
    for path in paths:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; name a file")
        if not path.parent.is_dir():
            raise OutputError(f"{path} cannot be written, since there is no folder {path.parent}")
    # Devices and pipes are written to as they are; a file is replaced by one beside it.
    files = [path.resolve() for path in paths if path.is_file() or not path.exists()]
    for path in files:
        if not os.access(path.parent, os.W_OK):
            raise OutputError(f"{path.parent} may not be written to; choose another folder")
    if twice := [path for path, count in Counter(files).items() if count > 1]:
        raise OutputError(f"{twice[0]} is named for two outputs; name two files")


def refuse_existing(*outputs: Path | str | None, overwrite: bool = False) -> None:
    """Check before long work that no output would be lost, for want of a folder neither.

    Raises:
        OutputError: if one of the files exists and `overwrite` is not set, if two are the same, or
            if one is named as a picture is or is refused by `require_writable`.
    """
    named = _files(outputs)
    for path in named:
        if path.suffix.lower() in IMAGE_EXTENSIONS:
            raise OutputError(f"{path} is named as a picture; name a table or text file")
    require_writable(*named)
    for path in named:
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists; name another file, or pass --overwrite")


def _files(outputs: Iterable[Path | str | None]) -> list[Path]:
    return [Path(output) for output in outputs if output not in (None, "-")]


def write_figures(
    figures: Mapping[str, Any], output: Path | str | None = None, text: str | None = None
) -> None:
    """Write figures as JSON to a file, or show them.

    Args:
        figures: without NaN or infinity, which JSON does not know.
        output: the file; "-" as text or None for the screen.
        text: what is shown of them, unless they are shown as JSON because `output` is "-".

    Raises:
        ValueError: if a figure is no number; nothing is written or shown then.
        OutputError: if the file cannot be written; what stood there stays.
    """
    whole = json.dumps(figures, indent=2, allow_nan=False)
    file = None if output in (None, "-") else Path(output)
    if text is not None and output != "-":
        typer.echo(text)
    elif file is None:
        typer.echo(whole)
    if file is not None:
        write_text(file, whole + "\n")


def name_failures(failures: Iterable[Mapping[str, str]]) -> None:
    """Say on stderr what could not be read: `name` and `reason`, a sentence, of each."""
    for failure in failures:
        typer.echo(f"mien-lab: {failure['name']}: {failure['reason']}", err=True)
