"""Shared options and output of the lab's commands."""

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
    "Resume",
    "Weights",
    "name_failures",
    "refuse_existing",
    "require_writable",
    "write_figures",
]

Precision = Annotated[str, typer.Option(help="fp32 or int8.")]
Weights = Annotated[Path | None, typer.Option(help="Folder with weights; the shipped by default.")]
Rate = Annotated[float, typer.Option(min=1e-9, max=10, help="Peak learning rate.")]
Resume = Annotated[bool, typer.Option(help="Continue from the last checkpoint.")]
Output = Annotated[
    str | None, typer.Option("--json", help="Write all figures as JSON to a file, or - for stdout.")
]


def require_writable(*outputs: Path | str | None) -> None:
    """Check, before long work, that every output can be written.

    None and the text "-", which `--json` takes for stdout, are skipped; `Path("-")` is refused.

    Raises:
        OutputError: if an output is a folder or `Path("-")`, its folder is missing or not writable,
            or two outputs are the same file.
    """
    paths = _files(outputs)
    if Path("-") in paths:
        raise OutputError("- does not mean stdout here; name a file")
    for path in paths:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; name a file")
        if not path.parent.is_dir():
            raise OutputError(f"{path} cannot be written, since there is no folder {path.parent}")
    # Regular files are replaced atomically, which needs a writable folder; devices are not.
    files = [path.resolve() for path in paths if path.is_file() or not path.exists()]
    for path in files:
        if not os.access(path.parent, os.W_OK):
            raise OutputError(f"{path.parent} may not be written to; choose another folder")
    if twice := [path for path, count in Counter(files).items() if count > 1]:
        raise OutputError(f"{twice[0]} is named for two outputs; name two files")


def refuse_existing(*outputs: Path | str | None, overwrite: bool = False) -> None:
    """Check, before long work, that every output can be written without replacing a file.

    Raises:
        OutputError: if a file exists and `overwrite` is false, has the extension of a picture, or
            is refused by `require_writable`.
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
    """Write figures as JSON to a file, or print them.

    Args:
        figures: plain values without NaN or infinity.
        output: the file; None or the text "-" for stdout.
        text: printed in place of JSON, unless `output` is "-".

    Raises:
        ValueError: if a figure is NaN or infinite; nothing is written or printed then.
        OutputError: if the file cannot be written; an existing file is left unchanged.
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
    """Print `name` and `reason` of each sample that could not be read to stderr."""
    for failure in failures:
        typer.echo(f"mien-lab: {failure['name']}: {failure['reason']}", err=True)
