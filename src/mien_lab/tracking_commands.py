"""`mien-lab tracking`: identity errors of the tracker."""

from pathlib import Path
from typing import Annotated

import typer

from mien_lab.output import Output, require_writable, write_figures

app = typer.Typer(help="The tracker.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The tracker."""


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of FER2013.")],
    *,
    scenes: Annotated[int, typer.Option(min=1, help="Number of scenes of each kind.")] = 20,
    output: Output = None,
) -> None:
    """Count id switches and extra ids on generated scenes; compare with IoU matching."""
    from mien_lab.evaluation.tracking import evaluate_tracking

    require_writable(output)
    write_figures(evaluate_tracking(data, scenes=scenes), output)
