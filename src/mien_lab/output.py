"""Where the commands of the lab put their figures: a file, or the screen."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

__all__ = ["name_failures", "write_figures"]


def write_figures(
    figures: Mapping[str, Any], output: Path | str | None = None, text: str | None = None
) -> None:
    """Write figures as JSON to a file, or show them.

    Args:
        figures: without NaN or infinity, which JSON does not know.
        output: the file; "-" or None for the screen.
        text: what is shown of them, unless they are shown as JSON because `output` is "-".

    Raises:
        ValueError: if a figure is no number; nothing is written or shown then.
    """
    whole = json.dumps(figures, indent=2, allow_nan=False)
    file = None if output is None or str(output) == "-" else Path(output)
    if text is not None and str(output) != "-":
        typer.echo(text)
    elif file is None:
        typer.echo(whole)
    if file is not None:
        file.write_text(whole + "\n", encoding="utf-8")


def name_failures(failures: Iterable[Mapping[str, str]]) -> None:
    """Say on stderr what could not be read: `name` and `reason`, a sentence, of each."""
    for failure in failures:
        typer.echo(f"mien-lab: {failure['name']}: {failure['reason']}", err=True)
