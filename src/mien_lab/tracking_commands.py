"""``mien-lab tracking``: how well ids hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien_lab.output import check_outputs, write_figures

app = typer.Typer(help="The tracker.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The tracker."""


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of FER2013.")],
    *,
    scenes: Annotated[int, typer.Option(min=1, help="Of each kind.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for the figures.")] = None,
) -> None:
    """Count id switches and fragments on generated scenes, beside plain overlap matching."""
    from mien_lab.evaluation.tracking import evaluate_tracking

    check_outputs(json_file)
    write_figures(evaluate_tracking(data, scenes=scenes), json_file)
