"""Where the commands of the lab put their figures: a file, or the screen."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

__all__ = ["show_figures", "write_figures", "write_summary"]


def show_figures(figures: Mapping[str, Any], also: Path | None = None) -> None:
    """Show figures as JSON, and write them to a file as well if one is named."""
    text = json.dumps(figures, indent=2)
    typer.echo(text)
    if also is not None:
        also.write_text(text + "\n", encoding="utf-8")


def write_figures(figures: Mapping[str, Any], output: str, *, allow_nan: bool = True) -> None:
    """Write figures as JSON to a file, or to the screen if `output` is "-"."""
    text = json.dumps(figures, indent=2, allow_nan=allow_nan)
    if output == "-":
        typer.echo(text)
    else:
        Path(output).write_text(text + "\n", encoding="utf-8")


def write_summary(figures: Mapping[str, Any], text: str, output: str | None) -> None:
    """Show figures as text, and write them to the file `output`; "-" shows them as JSON instead."""
    if output != "-":
        typer.echo(text)
    if output is not None:
        write_figures(figures, output)
