"""``mien-lab tracking``: how well ids hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The tracker.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The tracker."""


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of FER2013.")],
    *,
    scenes: Annotated[int, typer.Option(help="Of each kind.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write here.")] = None,
) -> None:
    """Count id switches and fragments on generated scenes, beside plain overlap matching."""
    from mien_lab.evaluation.tracking import evaluate_tracking

    text = json.dumps(evaluate_tracking(data, scenes=scenes), indent=2)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)
